"""A PostgreSQL cluster of our own, on loopback, for one test run."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Self

_USER = "postgres"


class Cluster:
    """``with Cluster() as cluster: cluster.new_database()``."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="anyrig-postgres-"))
        self._data = self._folder / "data"
        self._port = _free_port()
        self._count = 0

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            shutil.chown(self._folder, _USER)
        self._run("initdb", "-D", str(self._data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        self._run(
            "pg_ctl", "-D", str(self._data), "-w", "-l", str(self._folder / "log"), "-o", options, "start"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._count += 1
        name = f"anyrig{self._count}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self._port), "-U", _USER, name)
        return f"postgresql://{_USER}@127.0.0.1:{self._port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        argv = [str(_programs() / program), *arguments]
        if os.geteuid() == 0:
            argv = ["runuser", "-u", _USER, "--", *argv]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, cwd="/")


def _programs() -> Path:
    """Debian keeps the server's programs out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).parent
    raise RuntimeError("PostgreSQL is not installed: run 'make system' as root")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
