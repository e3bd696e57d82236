"""What ``anyrig up`` with one agent costs while nothing happens, and how soon it is ready.

The floor, measured in the same run: loading the libraries that any such server is made of, and starting NATS.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.table import Row, show

LIBRARIES = "import fastapi, nats, sqlalchemy, uvicorn"
STARTS = 3
SECONDS = 3.0
"""Asked on an ordinary machine, where ten million additions take 0.6 s."""
MEGABYTES = 250.0


def family(pid: int) -> list[int]:
    """The process and everything below it."""
    found = [pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat[stat.rindex(")") + 2 :].split()[1]) == pid:
                found += family(int(entry.name))
    return found


def proportional(pid: int) -> float:
    """Megabytes; pages that processes share count in parts."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def called(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return next((word for word in words if word in {"up", "agent"}), Path(words[0]).name)


@contextmanager
def up(data: Path) -> Iterator[tuple[float, int]]:
    """Seconds until it was ready, and its process."""
    argv = [sys.executable, "-m", "anyrig", "up", "--data", str(data), "--port", "0", "--slots", "1"]
    begin = time.perf_counter()
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, env=os.environ | {"ANYRIG_LOG_LEVEL": "warning"}
    ) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line.startswith("ready "))
        try:
            yield time.perf_counter() - begin, process.pid
        finally:
            process.terminate()
            process.wait()


def seconds(data: Path) -> tuple[float, float]:
    """From start to ready, and from SIGTERM to the end."""
    with up(data) as (ready, _):
        begin = time.perf_counter()
    return ready, time.perf_counter() - begin


def loading() -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", LIBRARIES], check=True)
    return time.perf_counter() - begin


def starting_nats(folder: Path) -> float:
    """Until it listens."""
    program = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or "nats-server"
    argv = [
        program,
        "--port",
        "-1",
        "--jetstream",
        "--store_dir",
        str(folder),
        "--ports_file_dir",
        str(folder),
    ]
    begin = time.perf_counter()
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        while not list(folder.glob("*.ports")):
            time.sleep(0.001)
        taken = time.perf_counter() - begin
        process.terminate()
    return taken


def additions() -> float:
    """How fast this machine is: 0.6 s on an ordinary one."""
    begin, total = time.perf_counter(), 0
    for number in range(10_000_000):
        total += number
    return time.perf_counter() - begin


def memory(data: Path) -> list[Row]:
    with up(data) as (_, pid):
        time.sleep(5)  # what is loaded after the start is loaded
        found = [(called(each), proportional(each)) for each in family(pid)]
    rows: list[Row] = [(f"memory of {name}, MB", size, "", "") for name, size in found]
    return [*rows, ("memory in all, MB", sum(size for _, size in found), "", MEGABYTES)]


def main() -> None:
    """Each start of ours beside its floor, so that both see the same machine; the best of each."""
    with tempfile.TemporaryDirectory(prefix="anyrig-bench-") as folder:
        data, nats = Path(folder) / "data", Path(folder) / "nats"
        nats.mkdir()
        first, _ = seconds(data)
        again, ends, floors = [], [], []
        for number in range(STARTS):
            floors.append(loading() + starting_nats(Path(tempfile.mkdtemp(dir=nats, prefix=str(number)))))
            ready, end = seconds(data)
            again.append(ready)
            ends.append(end)
        machine = additions() / 0.6
        rows: list[Row] = [
            ("this machine, times slower than an ordinary one", machine, "", ""),
            ("ready, first start, s", first, min(floors), ""),
            ("ready, later start, s", min(again), min(floors), SECONDS),
            ("the same on an ordinary machine, s", min(again) / machine, min(floors) / machine, SECONDS),
            ("gone after SIGTERM, s", min(ends), "", 1.0),
            *memory(data),
        ]
    show("Idle", ("", "anyrig", "floor", "asked, at most"), rows)


if __name__ == "__main__":
    main()
