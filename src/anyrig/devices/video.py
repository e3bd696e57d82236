"""Anything that ffmpeg can read as a device's picture: a capture card, a file, a stream."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from anyrig.core.devices import DeviceConfig
from anyrig.core.errors import Invalid
from anyrig.devices.base import Device
from anyrig.devices.programs.ffmpeg import Source, Stream

KIND = "video"
_LIVE = ("-fflags", "nobuffer", "-flags", "low_delay", "-analyzeduration", "1M")
"""Show what has come, and look for at most a second at what it is."""
_CAMERA = "/dev/video"


@asynccontextmanager
async def open_device(config: DeviceConfig) -> AsyncIterator[Device]:
    """``input``: a file, device file or URL; ``loop``: a file begins anew; ``format``: for ffmpeg."""
    yield Device(Stream(source(config), config), None)


def source(config: DeviceConfig) -> Source:
    """Raises Invalid: an input that ffmpeg would take for an option."""
    where, kind = config.options["input"], config.options.get("format", "")
    if where.startswith("-") or not where:
        raise Invalid(reason=f"'{where}' is no input of a device")
    if not kind and where.startswith(_CAMERA):
        kind = "v4l2"
    return Source(_shown(where), (*_reading(where, kind, config), "-i", where))


def _reading(where: str, kind: str, config: DeviceConfig) -> tuple[str, ...]:
    options = ("-f", kind) if kind else ()
    scheme = urlsplit(where).scheme
    if scheme.startswith("rtsp"):
        return (*options, *_LIVE, "-rtsp_transport", "tcp")
    if scheme or kind == "v4l2":
        return (*options, *_LIVE)
    loop = ("-stream_loop", "-1") if config.options.get("loop") else ()
    return (*options, "-re", *loop)


def _shown(where: str) -> str:
    """Without the name and password that a URL may have."""
    parts = urlsplit(where)
    return where.replace(f"{parts.netloc.rpartition('@')[0]}@", "", 1) if "@" in parts.netloc else where
