"""Retention as the native API tells it."""

from anyrig.core.retention import DAY, Rules
from anyrig.engine.retention import Plan
from anyrig.server.dialects.native.schema_retention import GoingResult, Retention
from anyrig.server.dialects.native.wire import moment


def retention(rules: Rules, plan: Plan) -> Retention:
    """``rules``, and what they would do."""
    return Retention(
        days=_days(rules.age),
        max_results=rules.most,
        keep_free_gb=rules.keep_free / 1e9 if rules.keep_free else None,
        tombstone_days=_days(rules.tombstones),
        results=plan.going.results,
        jobs=plan.going.jobs,
        bytes=plan.going.size,
        tombstones=plan.tombstones,
        first=tuple(
            GoingResult(old.result_id, moment(old.start), sum(each.size for each in old.objects))
            for old in plan.going.oldest
        ),
    )


def _days(time: int | None) -> float | None:
    return None if time is None else time / DAY
