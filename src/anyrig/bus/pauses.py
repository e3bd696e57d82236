"""How long to wait before trying again."""

import itertools
import random
from collections.abc import Iterator


def pauses(longest: float) -> Iterator[float]:
    """Seconds before each further try, for ever: random, up to a ceiling that doubles up to ``longest``."""
    for doublings in itertools.chain(range(16), itertools.repeat(16)):
        ceiling = min(0.05 * 2**doublings, longest)
        yield random.uniform(0, ceiling)  # noqa: S311 - keeps a thousand agents apart, no secret
