"""The pictures that a test leaves: what the device showed when the test failed, or last."""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from anyrig.core.devices import THUMBNAIL_QUALITY, THUMBNAIL_WIDTH
from anyrig.executors.python.inside.device import Device, installed

_NEW_WITHIN = 1.0
"""Seconds. The agent can still save pictures when we cannot."""
_CHAIN = 10
"""An exception may even be its own cause."""


def save_pictures(folder: str | None, shown: Any) -> None:
    """Write ``screenshot.png`` and ``thumbnail.jpg``, if that can be done; whole or not at all.

    Of ``shown`` (see ``shown_by``) if that is not None, else of the last frame that the test saw, else of
    a new one.
    """
    device = installed()
    if not folder or not isinstance(device, Device):
        return
    attempts: list[Callable[[], Any]] = [
        lambda: shown,
        lambda: device.video.last,
        lambda: device.video.newest(_NEW_WITHIN),
    ]
    for attempt in attempts:
        with suppress(BaseException):  # a test may leave anything there, and SIGTERM may come
            if (picture := attempt()) is not None:
                _write(folder, picture)
                return


def _write(folder: str, picture: Any) -> None:
    cv2 = sys.modules["cv2"]
    height, width = picture.shape[:2]
    columns = min(THUMBNAIL_WIDTH, width)
    rows = max(1, round(height * columns / width))
    small = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, THUMBNAIL_QUALITY]
    files = {
        "screenshot.png": cv2.imencode(".png", picture)[1],
        "thumbnail.jpg": cv2.imencode(".jpg", small, quality)[1],
    }
    for name, data in files.items():
        part = Path(folder, f".{name}")
        part.write_bytes(data.tobytes())
        part.replace(Path(folder, name))


def shown_by(error: BaseException) -> Any:
    """The picture that an exception has with it, or else those that it came from; None if there is none.

    It is the exception's ``screenshot``, one of its arguments, or the ``frame`` of one (a MatchResult's).
    """
    chain: BaseException | None = error
    for _ in range(_CHAIN):
        if chain is None:
            break
        if found := [value for value in _values(chain) if _is_picture(value)]:
            return found[0]
        chain = chain.__cause__ or chain.__context__
    return None


def _values(error: BaseException) -> Iterator[Any]:
    """It is an object of the test's own, whose attributes may do anything."""
    for thing, name in ((error, "screenshot"), *((argument, "frame") for argument in error.args)):
        with suppress(Exception):
            yield getattr(thing, name)
    yield from error.args


def _is_picture(value: Any) -> bool:
    numpy = sys.modules["numpy"]
    return isinstance(value, numpy.ndarray) and value.ndim in {2, 3} and value.size > 0
