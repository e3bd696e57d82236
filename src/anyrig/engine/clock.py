"""The server's clock."""

import time


def utc_now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000
