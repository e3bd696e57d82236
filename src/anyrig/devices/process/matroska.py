"""Pictures with times, as a stream that ffmpeg reads: raw video in Matroska (RFC 9559).

A frame of raw video in a pipe has no time, so that each picture would have to be sent as often as it is to be
seen; here it is sent once.
"""

from anyrig.core.devices import CHANNELS

_BILLION = 1_000_000_000
_UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"
_VIDEO_TRACK = 1
_KEY_FRAME = 0x80


def head(width: int, height: int, fps: float) -> bytes:
    """What comes before the first picture; times are then counted in 1/fps seconds."""
    ebml = _element(0x1A45DFA3, _text(0x4282, "matroska") + _number(0x4287, 4) + _number(0x4285, 2))
    info = _element(0x1549A966, _number(0x2AD7B1, round(_BILLION / fps)))
    video = _number(0xB0, width) + _number(0xBA, height) + _element(0x2EB524, b"BGR\x18")
    track = _number(0xD7, 1) + _number(0x73C5, 1) + _number(0x83, _VIDEO_TRACK)
    track += _number(0x23E383, round(_BILLION / fps)) + _text(0x86, "V_UNCOMPRESSED") + _element(0xE0, video)
    return ebml + _id(0x18538067) + _UNKNOWN_SIZE + info + _element(0x1654AE6B, _element(0xAE, track))


def before_picture(tick: int, width: int, height: int) -> bytes:
    """What comes before the bytes of a picture that is seen from ``tick`` on."""
    size = width * height * CHANNELS
    block = b"\x81" + bytes(2) + bytes([_KEY_FRAME])
    start = _number(0xE7, tick)
    block_head = _id(0xA3) + _size(len(block) + size) + block
    return _id(0x1F43B675) + _size(len(start) + len(block_head) + size) + start + block_head


def _element(name: int, data: bytes) -> bytes:
    return _id(name) + _size(len(data)) + data


def _number(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _text(name: int, value: str) -> bytes:
    return _element(name, value.encode())


def _id(name: int) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8, "big")


def _size(count: int) -> bytes:
    return (count | 1 << 56).to_bytes(8, "big")
