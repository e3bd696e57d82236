"""Filters of results, from text. Their grammar takes long to load, and no start waits for it."""

from functools import lru_cache

from anyrig.core.filters import Filter

_KEPT = 256
"""Filters that are kept: most are asked for again and again."""


def parse(text: str, tz: str, now: int) -> Filter:
    """The filter that a text stands for; an empty text is everything. See ``filter_grammar``.

    ``tz`` names the zone of dates without one (IANA time zone database), ``now`` is in microseconds, UTC.

    Raises:
        BadFilter: The text or the zone makes no sense; the message says what and where.
    """
    if "date" in text.lower():  # what it stands for may depend on the time
        return _parsed(text, tz, now)
    return _parsed_once(text, tz)


@lru_cache(_KEPT)
def _parsed_once(text: str, tz: str) -> Filter:
    return _parsed(text, tz, 0)


def _parsed(text: str, tz: str, now: int) -> Filter:
    from anyrig.engine import filter_grammar  # noqa: PLC0415 - see above

    return filter_grammar.parse(text, tz, now)
