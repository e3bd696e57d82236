"""What ``anyrig up`` with one agent costs while nothing happens, and how soon it is ready."""

import tempfile
import time
from pathlib import Path

from bench.farm import farm
from bench.table import show
from bench.waiters import resident


def family(pid: int) -> list[int]:
    """The process and everything below it."""
    found = [pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            stat = (entry / "stat").read_text()
            if int(stat[stat.rindex(")") + 2 :].split()[1]) == pid:
                found += family(int(entry.name))
    return found


def main() -> None:
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory():
        begin = time.perf_counter()
        with farm() as ours:
            first = time.perf_counter() - begin
            time.sleep(5)
            rows.append(("ready, first start, s", first, ""))
            for pid in family(ours.pid):
                name = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
                rows.append((f"memory, {name[-40:].strip()}, MB", resident(pid) / 1e6, ""))
            rows.append(("memory in all, MB", sum(resident(pid) for pid in family(ours.pid)) / 1e6, 250.0))
    show("Idle", ("", "anyrig", "asked, at most"), rows)


if __name__ == "__main__":
    main()
