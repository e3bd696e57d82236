"""Which results go, the oldest first. Times in microseconds, sizes in bytes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

DAY = 86_400_000_000
GRACE = DAY
"""So old is everything that goes: what is younger may be about to be used by something else."""

LISTED = 1000
"""So many results that go are told by their names."""


@dataclass(frozen=True, slots=True)
class Rules:
    """None: there is no such rule."""

    age: int | None = None
    """Results that are older go."""
    most: int | None = None
    """Results beyond so many go."""
    keep_free: int | None = None
    """While less is free where objects are kept, results go."""
    tombstones: int | None = None
    """After that time it is forgotten that a result was there."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is before anything goes."""

    now: int
    results: int
    """How many there are; 0 when no rule asks."""
    free: int | None
    """Where objects are kept; None when nobody can tell."""


@dataclass(frozen=True, slots=True)
class Object:
    """Something that is kept once, for all that refer to it."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Old:
    """A result that may go: nobody has pinned it, and its job is over."""

    number: int
    result_id: str
    job: int
    start: int
    objects: tuple[Object, ...]


@dataclass(slots=True)
class Books:
    """What else refers to the objects of some results, and how many results their jobs still have."""

    references: dict[str, int]
    """SHA-256 -> how many results' files and tasks' logs are this object."""
    results: dict[int, int]
    """Job -> how many of its results are there."""
    logs: dict[int, tuple[Object, ...]]
    """Job -> the logs of its tasks, which go with its last result."""
    _dropped: Counter[str] = field(default_factory=Counter)
    _taken: Counter[int] = field(default_factory=Counter)

    def learn(self, more: "Books") -> None:
        """The same of other results; what went already is not forgotten."""
        self.references |= more.references
        self.results |= more.results
        self.logs |= more.logs

    def take(self, old: Old) -> tuple[int, bool]:
        """This result goes: how many bytes nobody refers to any more then, and whether its job goes too."""
        self._taken[old.job] += 1
        last = self._taken[old.job] == self.results[old.job]
        gone = (*old.objects, *(self.logs.get(old.job, ()) if last else ()))
        return sum(map(self._drop, gone)), last

    def _drop(self, gone: Object) -> int:
        self._dropped[gone.sha256] += 1
        return gone.size if self._dropped[gone.sha256] == self.references[gone.sha256] else 0


@dataclass(frozen=True, slots=True)
class Going:
    """How many results go, and what that frees."""

    results: int = 0
    jobs: int = 0
    size: int = 0
    oldest: tuple[Old, ...] = ()
    """The oldest of these results; not all, when they are many."""

    def __add__(self, more: "Going") -> "Going":
        return Going(
            self.results + more.results,
            self.jobs + more.jobs,
            self.size + more.size,
            (*self.oldest, *more.oldest[: LISTED - len(self.oldest)]),
        )


def going(rules: Rules, standing: Standing, before: Going, oldest: Iterable[Old], books: Books) -> Going:
    """Those of ``oldest`` that go; ``before`` are those that go already, and are older."""
    gone: list[Old] = []
    jobs, size = 0, 0
    for old in oldest:
        if not _goes(rules, standing, old, before.results + len(gone), before.size + size):
            break
        freed, last = books.take(old)
        gone.append(old)
        jobs, size = jobs + last, size + freed
    return Going(len(gone), jobs, size, tuple(gone))


def _goes(rules: Rules, standing: Standing, old: Old, gone: int, freed: int) -> bool:
    too_old = rules.age is not None and old.start < standing.now - rules.age
    too_many = rules.most is not None and standing.results - gone > rules.most
    short = None not in {rules.keep_free, standing.free} and _short(rules, standing) > freed
    return too_old or too_many or short


def _short(rules: Rules, standing: Standing) -> int:
    return (rules.keep_free or 0) - (standing.free or 0)
