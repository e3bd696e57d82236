"""Token buckets: how many requests may come at once, and how many a second in the long run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """Up to ``burst`` at once, and ``per_second`` in the long run; both above zero, ``burst`` at least 1."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was left in a bucket at the moment ``at``, in seconds of any clock that never goes back."""

    left: float
    at: float


def full(rate: Rate, now: float) -> Bucket:
    """A bucket that nobody has taken from."""
    return Bucket(rate.burst, now)


def refilled(bucket: Bucket, rate: Rate, now: float) -> Bucket:
    """The bucket as it stands at ``now``; a moment before its own changes nothing."""
    passed = max(0.0, now - bucket.at)
    return Bucket(min(rate.burst, bucket.left + passed * rate.per_second), bucket.at + passed)


def take(bucket: Bucket, rate: Rate, now: float) -> tuple[Bucket, float]:
    """Take one out: the bucket afterwards, and 0, or the seconds to wait when there was none to take."""
    filled = refilled(bucket, rate, now)
    if filled.left >= 1.0:
        return Bucket(filled.left - 1.0, filled.at), 0.0
    return filled, (1.0 - filled.left) / rate.per_second
