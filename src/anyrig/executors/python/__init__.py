"""The kind ``python``: pytest tests of a pack, in the pack's environment, each in its own process.

What a pack's author has to know:

* A test is named ``tests/menu.py::test_x``. If it has parameter sets, the name runs all of them as one test,
  of which the worst counts; ``tests/menu.py::test_x[set]`` runs one.
* An AssertionError, a UITestFailure of stbt_core and ``pytest.fail`` are failures. All else is an error:
  other exceptions, fixtures, imports, time-outs, crashes. A skipped test passes; its log says why.
* ``requirements.txt`` (or ``config/requirements.txt``) is what the pack needs beyond the base.
* ``[test_pack]`` of ``.stbt.conf``: see ``settings``.
* A file is imported once for many tests; each of them is a fork of the process that imported it, unless the
  import starts threads or processes: then every test imports for itself.
* Every file that a test leaves in its working directory is an artifact.
* On a node with a device stbt_core's functions work on it, and so do those of ``import stbt``: a module of
  ours that has what stbt_core has, unless the pack's environment has one of that name.
* ``screenshot.png``, ``thumbnail.jpg`` and ``video.mp4`` show what the device showed; a test's own file of
  that name is kept instead. ``config/remote-control/`` describes remote controls: see ``remotes``.
* Nothing is drawn into the video: ``stbt.draw_text`` goes to the log alone, if at all.
* ``stbt.ocr`` uses tesseract's LSTM engine unless the pack says ``engine`` in section ``ocr``.
"""

from anyrig.executors.python.task import WARM, run

KIND = "python"

__all__ = ["KIND", "WARM", "run"]
