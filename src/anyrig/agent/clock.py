"""The server's clock as an agent knows it: what it said when a task was accepted, and what passed since."""

import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServerClock:
    """Microseconds since the epoch, UTC; goes by the monotonic clock, so it never jumps."""

    at_start: int
    _started: int = field(default_factory=time.monotonic_ns)

    def now(self) -> int:
        return self.at_start + (time.monotonic_ns() - self._started) // 1000
