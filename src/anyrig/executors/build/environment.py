"""What an action's process has in its environment."""

import os
import shlex
from collections.abc import Mapping

from anyrig.core import placeholders
from anyrig.core.build_spec import BuildSpec
from anyrig.core.messages import TaskSpec

_OURS = "ANYRIG_"


def added(build: BuildSpec, spec: TaskSpec) -> dict[str, str]:
    """What is told in it: the params, and what is run for whom."""
    return {
        **placeholders.environment(build.values),
        "ANYRIG_JOB": spec.job_uid,
        "ANYRIG_NODE": spec.node,
        "ANYRIG_PROJECT": spec.project,
        "ANYRIG_TEST": spec.tests[0],
    }


def inherited() -> dict[str, str]:
    """The agent's, less its ``ANYRIG_`` variables: its token is among them."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def exports(variables: Mapping[str, str]) -> str:
    """Lines of a shell that set them."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def entering(work_dir: str) -> str:
    """Lines of a shell that lead into the folder, or to the exit code for what cannot be run."""
    if work_dir == ".":
        return ""
    home, slash, rest = work_dir.partition("/")
    folder = f'"$HOME"{slash}{shlex.quote(rest)}' if home == "~" else shlex.quote(work_dir)
    return f"cd -- {folder} || exit 126\n"
