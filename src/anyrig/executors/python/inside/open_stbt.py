"""The module ``stbt`` of packs whose environment has none: stbt_core, which is the open part of stb-tester.

It is loaded under that name by ``fallback``. stb-tester's own module of the name has more, and is not free.
"""

import importlib
from typing import Any

_core = importlib.import_module("stbt_core")

__all__ = list(_core.__all__)
globals().update({name: getattr(_core, name) for name in __all__})

_FUNCTIONS = (
    "audio_chunks",
    "color_diff",
    "detect_pages",
    "find_regions_by_color",
    "find_selection_from_background",
    "get_rms_volume",
    "measure_av_sync",
    "navigate_1d",
    "navigate_grid",
    "pdu",
    "play_audio_file",
    "save_video_high_quality",
    "segment",
    "stop_job",
    "wait_for_content_start",
    "wait_for_volume_change",
)
"""Of stb-tester's module. Packs may import them; only those tests fail that call one."""


def _closed(name: str) -> Any:
    def closed(*_arguments: Any, **_more: Any) -> Any:
        raise NotImplementedError(_sentence(name))

    closed.__name__ = closed.__qualname__ = name
    return closed


def _sentence(name: str) -> str:
    return f"stbt.{name} is not part of stbt_core, the open part of stb-tester, and cannot be used here"


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        return _closed(name)
    if not name.startswith("__") and hasattr(_core, name):
        return getattr(_core, name)
    raise AttributeError(_sentence(name))
