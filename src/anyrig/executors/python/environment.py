"""The Python environment of a test pack, made once for each set of requirements."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import uv

from anyrig.core.errors import EnvironmentFailed
from anyrig.executors.base import Stop
from anyrig.executors.environments import PLACE
from anyrig.executors.process import run_program
from anyrig.executors.python import build
from anyrig.executors.python.requirements import Requirements

_CROSS = "\N{MULTIPLICATION SIGN}"
"""Begins what uv says of requirements that cannot be met."""
_LOWEST = (3, 11)
_WITHIN = 1800.0
"""Seconds for downloads, and for waiting until another agent has made the same environment."""
_NOT_FOR_TESTS = ("ANYRIG_", "PYTEST", "PYTHON", "COVERAGE", "COV_CORE", "VIRTUAL_ENV", "STBT_CONFIG_FILE")
"""Variables of the agent's own that begin so; among them is its access token."""


def python_for(version: str | None) -> str:
    """The pack's ``python_version`` when our runner can do with it, else the Python that runs us."""
    try:
        wanted = tuple(map(int, (version or "").split(".")))
    except ValueError:
        wanted = ()
    ours = wanted == sys.version_info[: len(wanted)]
    return version if version and wanted >= _LOWEST and not ours else sys.executable


class Environment:
    """One in the cache, or about to be."""

    def __init__(self, wanted: Requirements, cache: Path) -> None:
        self.folder = cache / PLACE / wanted.key()
        self._wanted = wanted

    def is_whole(self) -> bool:
        return build.is_whole(self.folder)

    async def make(self, pack: Path, stop: Stop, on_output: Callable[[bytes], None]) -> None:
        """Have uv make it; ``on_output`` gets what uv says. Names in requirements are relative to the pack.

        Raises:
            EnvironmentFailed: uv could not make it, or was stopped.
        """
        output: list[bytes] = []

        def take(data: bytes) -> None:
            output.append(data)
            on_output(data)

        ended = await run_program(
            [sys.executable, "-P", build.__file__, json.dumps(self._order())],
            cwd=pack,
            env=dict(os.environ),
            stop=stop,
            timeout=_WITHIN,
            on_output=take,
        )
        if ended.status != 0:
            raise EnvironmentFailed(reason=ended.trouble or _last_words(b"".join(output)))

    def _order(self) -> dict[str, object]:
        """For ``build``."""
        pythons = dict.fromkeys((self._wanted.python, sys.executable))
        tools = {"folder": str(self.folder), "uv": uv.find_uv_bin()}
        return {**asdict(self._wanted), **tools, "python": list(pythons)}


def _last_words(output: bytes) -> str:
    """The last lines of uv, from where it says what is wrong."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    start = max(
        (at for at, line in enumerate(lines) if line.startswith(("error", _CROSS))), default=len(lines) - 3
    )
    return " ".join(lines[max(0, start) :]) or "uv said nothing"


def variables(folder: Path, own: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of tests, from ours."""
    kept = {name: value for name, value in own.items() if not name.startswith(_NOT_FOR_TESTS)}
    path = f"{folder}/bin{os.pathsep}{kept.get('PATH', os.defpath)}"
    ours = {"PATH": path, "VIRTUAL_ENV": str(folder), "PYTHONUNBUFFERED": "1"}
    return {**_data_of_tesseract(kept.get("PATH")), **kept, **ours}


def _data_of_tesseract(path: str | None) -> dict[str, str]:
    """Where Debian keeps tesseract's data since version 5; stbt_core does not look there by itself."""
    program = shutil.which("tesseract", path=path)
    if program is None:
        return {}
    folders = sorted((Path(program).parent.parent / "share" / "tesseract-ocr").glob("*/tessdata"))
    return {"TESSDATA_PREFIX": str(folders[-1])} if folders else {}
