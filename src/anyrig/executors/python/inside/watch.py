"""What a keeper waits for: file descriptors and points in time."""

import select
import time
from collections.abc import Callable

Action = Callable[[], None]


class Watch:
    """Calls what was asked for when its file descriptor can be read (or is closed), or its time has come."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._readers: dict[int, Action] = {}
        self._due: dict[Action, float] = {}

    def on(self, fd: int, action: Action) -> None:
        self._readers[fd] = action
        self._poll.register(fd, select.POLLIN)

    def off(self, fd: int) -> None:
        if self._readers.pop(fd, None):
            self._poll.unregister(fd)

    def after(self, seconds: float, action: Action) -> None:
        """Once; a later call for the same action replaces this one."""
        self._due[action] = time.monotonic() + seconds

    def wait(self) -> None:
        """Until something has happened, and has been dealt with."""
        left = min(self._due.values()) - time.monotonic() if self._due else None
        for fd, _ in self._poll.poll(None if left is None else max(0.0, left * 1000)):
            if action := self._readers.get(fd):
                action()
        now = time.monotonic()
        for action in [action for action, due in self._due.items() if due <= now]:
            del self._due[action]
            action()
