"""What a node's device is, in the words that agent, device process and tests share.

A device is captured by a process of its own, which listens on a Unix stream socket in a folder of its
own. Its clients are the agent and the processes of tests. Each message is one JSON object and a newline::

    -> {"id": 7, "op": "frame", "after": 1234, "timeout": 10.0}
    <- {"id": 7, "seq": 1235, "time": 1763800000.123456, "slot": 3, "leased": true}
    <- {"id": 7, "error": "no_video", "reason": "no video from /dev/video0", "fields": {"source": …}}

Answers come as they are ready, in any order. What is no JSON object ends the connection.

``hello`` {}
    -> ``width``, ``height`` (pixels), ``slots``, ``fps``, ``name`` (what gives the picture), with the file
    descriptor of the shared memory as ancillary data (SCM_RIGHTS). Slot *n* begins at byte
    ``n * width * height * 3``: rows of pixels, blue, green, red, a byte each.
``frame`` {after, timeout}
    The newest frame whose ``seq`` is above ``after``, waited for at most ``timeout`` seconds. ``time`` is
    that of its capture, in seconds since the epoch by this machine's clock. A leased slot keeps its pixels
    until ``release`` or the end of the connection; one that is not leased must be copied at once, and the
    copy only counts if ``holds`` {slot, seq} says so afterwards (``{"holds": true}``).
``release`` {slot}
    No answer.
``press`` {key, hold}
    ``hold``: seconds for which the key stays down; null for a short press. -> ``start``, ``end`` (times).
``down`` {key}, ``up`` {key}
    -> ``time``. What is still down when the connection ends goes up.
``remote`` {name, keymap, text}
    Which remote control the keys of all later presses belong to: its name, what each key's name stands for
    here (``KEY_OK`` -> ``Return``), and the words of its lircd configuration, if any. -> {}
``screenshot`` {format, width}
    ``png`` or ``jpeg``; ``width`` in pixels or null. -> ``length``; that many bytes follow the newline. The
    newest frame; ``time`` and ``seq`` as of ``frame``.
``record`` {file}, ``end_record`` {}
    An MP4 file, whose first picture is that of the moment of ``record`` (-> ``time``). ``end_record`` answers
    when the file is whole: -> ``seconds``, ``frames``. One at a time; it is given up, and the file removed,
    when the connection ends before.
``health`` {}
    -> ``fps`` (frames captured in the last seconds), ``trouble`` (a sentence's words, or null).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NO_VIDEO = "no_video"
UNKNOWN_KEY = "unknown_key"
NO_CONTROL = "no_control"
INVALID = "invalid"
BROKEN = "broken"
"""Codes of errors that a device process answers with; INVALID: the request makes no sense; BROKEN: anything
else, as a rule that the control did not do it. ``fields`` are those of the error in ``core.errors``."""

CHANNELS = 3
THUMBNAIL_WIDTH = 640
THUMBNAIL_QUALITY = 50


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """One device as the lab machine's configuration describes it."""

    kind: str
    """Of the picture: ``x11``, ``browser``, ``video``, ``android``."""
    width: int = 1280
    height: int = 720
    fps: float = 25.0
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the kind: ``command``, ``display``, ``url``, ``input`` …"""
    control: str | None = None
    """The kind of control; None: the one that comes with the picture, if any."""
    control_options: Mapping[str, Any] = field(default_factory=dict)
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Key name -> what the control calls it, whichever the remote control is; that of a remote goes first."""
    patience: float = 5.0
    """Seconds without a new picture after which there is no video."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote control, as a test pack describes it in ``config/remote-control/``."""

    name: str = ""
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Key name -> what the device's control calls it; keys that are not in it go as they are."""
    text: str = ""
    """The words of ``<name>.lircd.conf``."""
