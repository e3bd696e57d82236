"""The environment of a command."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anyrig.core.messages import TaskSpec
from anyrig.core.pack_file import OURS, Command

_NO_LETTER = re.compile(r"[^A-Z0-9]")


def environment(command: Command, spec: TaskSpec, artifacts: Path) -> dict[str, str]:
    """The agent's environment, the command's own variables, and ours.

    The agent's ``ANYRIG_`` variables are left out: its token is among them.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {
        **inherited,
        "PYTHONUNBUFFERED": "1",
        **command.env,
        **_named("ANYRIG_PARAM_", spec.params),
        **_named("ANYRIG_TAG_", spec.tags),
        **_named("SECRET_", spec.secrets),
        "ANYRIG_ARTIFACTS": str(artifacts),
        "ANYRIG_CATEGORY": spec.category,
        "ANYRIG_JOB": spec.job_uid,
        "ANYRIG_NODE": spec.node,
        "ANYRIG_PROJECT": spec.project,
        "ANYRIG_SHA": spec.sha,
        "ANYRIG_TEST": command.name,
    }


def _named(prefix: str, values: Mapping[str, Any]) -> dict[str, str]:
    return {prefix + _NO_LETTER.sub("_", name.upper()): _text(value) for name, value in values.items()}


def _text(value: object) -> str:
    """Texts as they are, nothing as nothing, all else as JSON; what no environment can hold is left out."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return text.replace("\0", "").encode("utf-8", "replace").decode()
