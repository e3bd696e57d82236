"""From the trigger to the end of one no-op test, and of 200 of them, beside two floors in the same run."""

import http.client
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from bench.farm import Farm, farm
from bench.table import percentile, show

ROUNDS = 60
MANY = 200
PAUSE = 0.1
"""Seconds between two turns, so that what one leaves to be done does not slow the next."""
Run = Callable[[int], None]
"""Runs a job of that many tests and returns when it has finished."""


def anyrig(ours: Farm) -> Run:
    where = urlsplit(ours.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=300)
    headers = {"Authorization": f"token {ours.token}"}

    def ask(method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def run(tests: int) -> None:
        names = (
            [f"tests/many.py::test_{n}" for n in range(tests)]
            if tests > 1
            else ["tests/trivial.py::test_nothing"]
        )
        wanted = {"node_id": "local-1", "test_pack_revision": "main", "test_cases": names}
        _, said = ask("POST", "/api/v2/run_tests", json.dumps(wanted))
        uid = json.loads(said)["job_uid"]
        while ask("GET", f"/api/v2/jobs{uid}/await_completion")[0] == 202:
            pass

    return run


@contextmanager
def floor(ours: Farm, kind: str) -> Iterator[Run]:
    with tempfile.TemporaryDirectory() as folder:
        argv = [str(ours.environment_python()), "bench/floor.py", "0", folder, kind]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            connection = http.client.HTTPConnection(
                "127.0.0.1", int(process.stdout.readline().split()[1]), timeout=300
            )

            def run(tests: int) -> None:
                connection.request("POST", "/run", str(tests))
                connection.getresponse().read()

            yield run
            connection.close()
            process.kill()


def main() -> None:
    with farm() as ours, ExitStack() as stack:
        run = anyrig(ours)
        for _ in range(5):
            run(1)
        run(2)
        floors = {kind: stack.enter_context(floor(ours, kind)) for kind in ("pytest", "bare")}
        _compare(
            f"Trigger to finished, one no-op test, p50 of {ROUNDS} (asked: at most 2.5x)",
            run,
            floors,
            1,
            ROUNDS,
        )
        _compare(
            f"{MANY} trivial tests in one job, each in its own process (asked: at most 1.6x)",
            run,
            floors,
            MANY,
            5,
        )


def _compare(title: str, run: Run, floors: dict[str, Run], tests: int, rounds: int) -> None:
    """In turns, so that all see the same weather."""
    times: dict[str, list[float]] = {"anyrig": [], **{kind: [] for kind in floors}}
    for _ in range(rounds):
        for name, work in {"anyrig": run, **floors}.items():
            begin = time.perf_counter()
            work(tests)
            times[name].append((time.perf_counter() - begin) * 1e3)
            time.sleep(PAUSE)
    ours = percentile(times["anyrig"], 0.5)
    rows = [
        (
            name if name == "anyrig" else f"floor, {name} child",
            percentile(taken, 0.5),
            ours / percentile(taken, 0.5),
        )
        for name, taken in times.items()
    ]
    show(title, ("", "ms", "anyrig is"), rows)


if __name__ == "__main__":
    main()
