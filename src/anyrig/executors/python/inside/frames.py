"""Frames of the device as stbt_core knows them: views on memory that the device process writes to."""

import sys
from collections.abc import Iterator
from time import monotonic, time
from typing import Any

from anyrig.core.devices import NO_VIDEO
from anyrig.executors.python.inside.messages import Message
from anyrig.executors.python.inside.wire import Line, Lost, Wire

PATIENCE = 10.0
"""Seconds for which a frame is waited for, and after which one is too old, as stbt_core has it."""
_SLACK = 5.0


class Lease:
    """What numpy takes for the owner of a frame's pixels: when the last array on them goes, this goes too.

    ``counts``: the device process has leased the slot to us.
    """

    def __init__(self, wire: Wire, slot: int, *, counts: bool) -> None:
        self._wire = wire
        self._slot = slot
        self._counts = counts
        read_only = True
        self.__array_interface__ = {
            "version": 3,
            "shape": wire.shape,
            "typestr": "|u1",
            "data": (wire.address(slot), read_only),
        }

    def __del__(self) -> None:
        if self._counts and self._wire.is_good():
            self._wire.tell("release", slot=self._slot)


class Seen:
    """A frame, and where it stands among the others of its wire."""

    def __init__(self, wire: Wire, answer: Message, frame: Any) -> None:
        self.wire = wire
        self.seq: int = answer["seq"]
        self.time: float = answer["time"]
        self.frame = frame


class Video:
    """Gives ``stbt_core.Frame`` objects, read-only.

    ``copies``: whether each has memory of its own from the start.
    """

    def __init__(self, line: Line, *, copies: bool) -> None:
        self._line = line
        self._copies = copies
        self.last: Any = None
        """The frame that was given last."""

    def newest(self, within: float = PATIENCE) -> Any:
        """The newest frame, waited for at most so many seconds if there is none of the last seconds.

        Raises:
            NoVideo: Of stbt_core.
        """
        return self._next(within, None).frame

    def frames(self, timeout_secs: float | None) -> Iterator[Any]:
        """One after the other, none twice; those between are left out. There is at least one."""
        end = None if timeout_secs is None else time() + timeout_secs
        seen = None
        while True:
            is_first = seen is None
            seen = self._next(max(PATIENCE, timeout_secs or 0), seen)
            if end is not None and not is_first and seen.time > end:
                return
            yield seen.frame

    def _next(self, within: float, since: Seen | None) -> Seen:
        """The newest frame after another one. A new wire may begin with an old frame, or count anew."""
        deadline = monotonic() + within
        after = since.time if since else time() - within
        while True:
            try:
                wire = self._line.wire(deadline)
                seen = self._ask(wire, since.seq if since and since.wire is wire else 0, deadline)
            except Lost as lost:
                if monotonic() < deadline:
                    continue
                raise _no_video(f"no video: {lost}") from None
            if seen is None:
                continue
            if seen.time > after:
                self.last = seen.frame
                return seen
            since = seen

    def _ask(self, wire: Wire, after: int, deadline: float) -> Seen | None:
        """None when the picture was overwritten before it was copied."""
        timeout = max(0.0, deadline - monotonic())
        answer = wire.ask("frame", timeout + _SLACK, after=after, timeout=timeout)
        if "error" in answer:
            reason = str(answer.get("reason") or "no video")
            raise _no_video(reason if answer["error"] == NO_VIDEO else f"no video: {reason}")
        pixels = self._pixels(wire, answer)
        if pixels is None:
            return None
        return Seen(wire, answer, sys.modules["stbt_core"].Frame(pixels, time=answer["time"]))

    def _pixels(self, wire: Wire, answer: Message) -> Any:
        leased: bool = answer["leased"]
        view = sys.modules["numpy"].asarray(Lease(wire, answer["slot"], counts=leased))
        if leased and not self._copies:
            return view
        copy = view.copy()
        copy.flags.writeable = False
        return copy if leased or self._holds(wire, answer) else None

    def _holds(self, wire: Wire, answer: Message) -> bool:
        said = wire.ask("holds", _SLACK, slot=answer["slot"], seq=answer["seq"])
        return bool(said.get("holds"))


def _no_video(reason: str) -> Exception:
    error: Exception = sys.modules["stbt_core"].NoVideo(reason)
    return error
