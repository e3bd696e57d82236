"""The body of ``POST /api/v2/run_tests``."""

from typing import Any

from anyrig.core.errors import BadField
from anyrig.core.tags import checked_category, checked_tags
from anyrig.engine.pack_tests import PackRun
from anyrig.server.dialects.stbt.wire import Json
from anyrig.server.dialects.stbt.wire_fields import optional, text

_SOAK = {"run once": False, "run forever": True}


def pack_run(body: Json) -> PackRun:
    """What the body asks for. A key that is null counts as missing; keys that are not known are ignored.

    ``project`` is ours: the document knows one test pack only.

    Raises:
        BadField: A key is missing, or its value is not allowed.
    """
    return PackRun(
        node=text(body, "node_id"),
        revision=text(body, "test_pack_revision"),
        tests=_tests(body),
        project=optional(body, "project"),
        category=checked_category("default" if body.get("category") is None else body["category"]),
        tags=checked_tags({} if body.get("tags") is None else body["tags"]),
        remote_control=optional(body, "remote_control") or "",
        forever=_forever(body.get("soak")),
        shuffle=_shuffle(body.get("shuffle")),
    )


def _tests(body: Json) -> tuple[str, ...]:
    names = body.get("test_cases")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadField(field="test_cases", reason="it is not a list of names of tests")
    if not names:
        raise BadField(field="test_cases", reason="it is empty")
    return tuple(names)


def _forever(soak: Any) -> bool:
    if soak is None:
        return False
    if not isinstance(soak, str) or soak not in _SOAK:
        raise BadField(field="soak", reason=f"it is neither {' nor '.join(map(repr, _SOAK))}")
    return _SOAK[soak]


def _shuffle(value: Any) -> bool:
    if value is not None and not isinstance(value, bool):
        raise BadField(field="shuffle", reason="it is neither true nor false")
    return bool(value)
