"""A line from a test's print to a client of the event stream; and what 100,000 lines in one test cost."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from bench.farm import Farm, farm, run_job
from bench.table import percentile, show

PRINTER = "import time\nfor number in range(100_000):\n    print('line', number)\n"


def live(ours: Farm) -> None:
    client = ours.client()
    body = {"node_id": "local-1", "test_pack_revision": "main", "test_cases": ["tests/lines.py::test_stamps"]}
    uid = client.post("/api/v2/run_tests", json=body).json()["job_uid"]
    number = uid.rpartition("/")[2]
    late = []
    with client.stream("GET", f"/api/v3/jobs/{number}/events") as events:
        for line in events.iter_lines():
            now = time.time()
            if "stamp " in line:
                late.append(now - float(line.rpartition("stamp ")[2].split("\\n")[0].strip('"}')))
            if line.startswith("event: end"):
                break
    rows = [(f"p{round(share * 100)}", percentile(late, share) * 1e3) for share in (0.5, 0.9, 0.99)]
    show(
        f"A printed line to an event-stream client, {len(late)} lines (asked: p50 under 15 ms)",
        ("", "ms"),
        rows,
    )


def bulk(ours: Farm) -> None:
    client = ours.client()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(3):
            begin = time.perf_counter()
            run_job(client, ["tests/lines.py::test_lines"])
            in_test = time.perf_counter() - begin
            begin = time.perf_counter()
            with (Path(folder) / "out").open("wb") as out:
                argv = [str(ours.environment_python()), "-u", "-c", PRINTER]
                subprocess.run(argv, stdout=out, check=True, env=os.environ)
            bare = time.perf_counter() - begin
            rows.append((number + 1, in_test, bare, in_test / bare))
    show(
        "100,000 lines in one test, beside the same printer into a file (asked: at most 2x)",
        ("round", "anyrig s", "file s", "ratio"),
        rows,
    )


def main() -> None:
    with farm() as ours:
        run_job(ours.client(), ["tests/trivial.py::test_nothing"])
        live(ours)
        bulk(ours)


if __name__ == "__main__":
    main()
