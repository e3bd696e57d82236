"""The program that makes an environment, started by its path. Standard library only.

Takes one argument, JSON: ``folder``, ``uv``, ``python`` (in order of preference), ``usual`` and ``alone``
(see ``Requirements``). Holds a lock meanwhile, so that two agents that share a cache make it once; a lock
ends with the process that holds it. The environment is whole when the folder has the file ``MARKER``.
"""

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MARKER = ".complete"


def main() -> int:
    order = json.loads(sys.argv[1])
    folder = Path(order["folder"])
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_whole(folder):
            return 0
        shutil.rmtree(folder, ignore_errors=True)
        failed = _environment(order) or _packages(order, "usual") or _packages(order, "alone", "--no-deps")
        if not failed:
            (folder / MARKER).touch()
    return failed


def is_whole(folder: Path) -> bool:
    """Whether it was made to the end, and the Python that it was made with is still there."""
    return (folder / MARKER).exists() and (folder / "bin" / "python").exists()


def _environment(order: dict[str, Sequence[str]]) -> int:
    """With the first Python that is there."""
    status = 1
    for python in order["python"]:
        status = _uv(order, "venv", "--python", python, str(order["folder"]))
        if not status:
            break
    return status


def _packages(order: dict[str, Sequence[str]], which: str, *options: str) -> int:
    python = f"{order['folder']}/bin/python"
    return _uv(order, "pip", "install", *options, "--python", python, "-r", "-", lines=order[which])


def _uv(order: dict[str, Sequence[str]], *arguments: str, lines: Sequence[str] = ()) -> int:
    command = [str(order["uv"]), *arguments, "--no-python-downloads"]
    return subprocess.run(command, input="\n".join(lines).encode(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
