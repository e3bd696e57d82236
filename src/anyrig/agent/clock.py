"""The server's clock as an agent knows it: what it said when a task was accepted, and what passed since."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerClock:
    """Microseconds since the epoch, UTC; goes by the monotonic clock, so it never jumps."""

    said: int
    asked: int
    """``time.monotonic_ns()`` when it was asked: early by what the question took to arrive."""

    def now(self) -> int:
        return self.said + (time.monotonic_ns() - self.asked) // 1000
