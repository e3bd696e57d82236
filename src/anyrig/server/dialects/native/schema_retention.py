"""What is said of retention."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from anyrig.server.dialects.native.schema_base import Answer


class GoingResult(Answer, frozen=True):
    """A result that would be removed."""

    result_id: str
    start: datetime
    size: Annotated[int, Meta(description="Bytes of its files; some may be other results', too.")]


class Retention(Answer, frozen=True):
    """The rules, null where there is none, and what they would remove now."""

    days: float | None
    max_results: int | None
    keep_free_gb: float | None
    tombstone_days: float | None
    results: Annotated[int, Meta(description="So many results would go,")]
    jobs: Annotated[int, Meta(description="so many jobs with their last results,")]
    bytes: Annotated[int, Meta(description="and so many bytes that nobody else refers to.")]
    tombstones: Annotated[int, Meta(description="It would be forgotten of so many that they were there.")]
    first: Annotated[tuple[GoingResult, ...], Meta(description="The oldest of them, at most 1000.")]
