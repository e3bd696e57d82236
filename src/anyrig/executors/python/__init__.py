"""The kind ``python``: pytest tests of a pack, in the pack's environment, each in its own process."""

from anyrig.executors.python.task import WARM, run

KIND = "python"

__all__ = ["KIND", "WARM", "run"]
