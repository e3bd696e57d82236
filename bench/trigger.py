"""From the trigger to the end of one no-op test, and of 200 of them, beside the floor in the same run."""

import subprocess
import tempfile
import time
from collections.abc import Callable

import httpx

from bench.farm import farm, run_job
from bench.table import percentile, show

ROUNDS = 60


def main() -> None:
    with farm() as ours:
        client = ours.client()
        for _ in range(5):
            run_job(client, ["tests/trivial.py::test_nothing"])
        with tempfile.TemporaryDirectory() as folder:
            argv = [str(ours.environment_python()), "bench/floor.py", "0", folder]
            with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as floor:
                assert floor.stdout is not None
                port = floor.stdout.readline().split()[1]
                bare = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300)
                _one(client, bare)
                _many(client, bare)
                bare.close()
                floor.kill()


def _one(client: httpx.Client, bare: httpx.Client) -> None:
    """In turns, so that both see the same weather."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(_seconds(lambda: bare.post("/run", content="1")))
        ours.append(_seconds(lambda: run_job(client, ["tests/trivial.py::test_nothing"])))
    rows = [
        (
            f"p{round(share * 100)}",
            percentile(ours, share) * 1e3,
            percentile(theirs, share) * 1e3,
            percentile(ours, share) / percentile(theirs, share),
        )
        for share in (0.5, 0.9)
    ]
    show(
        f"Trigger to finished, one no-op test, {ROUNDS} rounds (asked: p50 at most 2.5x)",
        ("", "anyrig ms", "floor ms", "ratio"),
        rows,
    )


def _many(client: httpx.Client, bare: httpx.Client) -> None:
    tests = [f"tests/many.py::test_{number}" for number in range(200)]
    run_job(client, tests[:2])
    rows = []
    for number in range(3):
        theirs = _seconds(lambda: bare.post("/run", content="200"))
        ours = _seconds(lambda: run_job(client, tests))
        rows.append((number + 1, ours, theirs, ours / theirs))
    show(
        "200 trivial tests in one job, each in its own process (asked: at most 1.6x)",
        ("round", "anyrig s", "floor s", "ratio"),
        rows,
    )


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
