"""In which order a task's tests run. Pure: randomness is an argument."""

import random
from collections.abc import Iterator, Sequence
from itertools import cycle, islice


class Durations:
    """How long each test has taken so far, in seconds."""

    def __init__(self) -> None:
        self._runs: dict[str, int] = {}
        self._total: dict[str, float] = {}

    def add(self, test: str, seconds: float) -> None:
        self._runs[test] = self._runs.get(test, 0) + 1
        self._total[test] = self._total.get(test, 0.0) + seconds

    def weight(self, test: str) -> float:
        """Runs a second: picking tests by this weight spends the same time on each. 0 if it has never run."""
        return self._runs.get(test, 0) / max(self._total.get(test, 0.0), 1e-6)


def order(
    tests: Sequence[str], *, done: int, forever: bool, shuffle: bool, seed: int, durations: Durations
) -> Iterator[str]:
    """The tests still to run, after the first ``done`` of them; there is at least one test.

    Without ``shuffle`` as given, again and again if ``forever``. With it, each once in a random order that
    depends on ``seed`` alone, so that a later attempt goes on in the same order; then, if ``forever``, at
    random such that the same time is spent on each test, as the soak mode of stb-tester does.
    """
    rng = random.Random(seed)  # noqa: S311 - nothing secret
    first = rng.sample(tests, len(tests)) if shuffle else list(tests)
    if forever and not shuffle:
        done %= len(tests)
        yield from islice(cycle(first), done, None)
    yield from first[done:]
    if forever:
        yield from _balanced(tests, durations, rng)


def _balanced(tests: Sequence[str], durations: Durations, rng: random.Random) -> Iterator[str]:
    while True:
        weights = [durations.weight(test) for test in tests]
        known = [weight for weight in weights if weight] or [1.0]
        usual = sum(known) / len(known)  # for tests that ran in an earlier attempt only
        yield rng.choices(tests, [weight or usual for weight in weights])[0]
