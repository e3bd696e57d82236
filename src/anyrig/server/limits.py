"""How many requests a token may make: token buckets in memory, so each replica counts for itself."""

import time
from collections.abc import Callable
from enum import StrEnum

from anyrig.core.buckets import Bucket, Rate, full, refilled, take
from anyrig.core.errors import TooManyRequests

_BUCKETS = 10_000
"""With more than so many, those that are full are forgotten: a new one would be full, too."""


class Traffic(StrEnum):
    """What a request is for."""

    ORDINARY = "ordinary"
    DOWNLOAD = "download"
    """Artifacts and logs: a script that fetches what a job left asks for a lot at once."""
    LOGIN = "login"
    """A password that has to be checked."""
    WEBHOOK = "webhook"
    """Of somebody who has not said who they are."""
    WAIT = "wait"
    """A long poll: it costs little, there are many, and a client that is refused loses its job's results."""


RATES = {
    Traffic.ORDINARY: Rate(50.0, 500.0),
    Traffic.DOWNLOAD: Rate(200.0, 2000.0),
    Traffic.LOGIN: Rate(0.5, 20.0),
    Traffic.WEBHOOK: Rate(20.0, 200.0),
    Traffic.WAIT: Rate(1000.0, 10_000.0),
}
"""Enough for any client that asks for one thing after the other."""


class RateLimits:
    """The buckets of all tokens."""

    def __init__(
        self, rates: dict[Traffic, Rate] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rates = RATES | (rates or {})
        self._clock = clock
        self._buckets: dict[tuple[str, Traffic], Bucket] = {}

    def admit(self, token: str, traffic: Traffic) -> None:
        """Count a request of the token with this id, or of an address.

        Raises:
            TooManyRequests: ``fields["seconds"]`` says how long to wait.
        """
        now, rate = self._clock(), self._rates[traffic]
        key = (token, traffic)
        bucket = self._buckets.get(key)
        if bucket is None:
            self._make_room(now)
            bucket = full(rate, now)
        self._buckets[key], seconds = take(bucket, rate, now)
        if seconds:
            raise TooManyRequests(seconds=max(1.0, seconds))

    def _make_room(self, now: float) -> None:
        if len(self._buckets) < _BUCKETS:
            return
        self._buckets = {
            key: bucket
            for key, bucket in self._buckets.items()
            if refilled(bucket, self._rates[key[1]], now).left < self._rates[key[1]].burst
        }
