"""How fast and how long it is tried to tell something. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds."""

    at_once: int = 32
    """So many extensions of builds may be told by at the same time."""
    deadline: float = 60.0
    """For one try."""
    lease: float = 90.0
    """After it, what a server took and never came back with is tried again, by whichever server."""
    first_pause: float = 5.0
    longest_pause: float = 3600.0
    patience: float = 86_400.0
    """From when it was said; after it, nothing is tried again."""
    fewest_tries: int = 3
    """So often it is tried in any case, also what waited for long behind others."""
    look_again: float = 10.0
    """Without a reason: nobody may have told us, or another server may have died."""

    def pause(self, tries: int, chance: float) -> float:
        """How long to wait after so many tries: each time twice as long, and up to a quarter more.

        ``chance``, a number from 0 to 1, says how much, so that not all come back at once.
        """
        doubled = min(self.longest_pause, self.first_pause * 2.0 ** min(tries - 1, 60))
        return doubled * (1 + chance / 4)

    def is_over(self, said: int, tries: int, now: int) -> bool:
        """Whether to give up; ``said`` and ``now`` in microseconds."""
        return tries >= self.fewest_tries and now - said >= self.patience * 1e6
