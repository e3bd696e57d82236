"""A device under a soak job: memory of all processes, and the frames that the test has seen.

``python -m bench.soak [MINUTES]``: an ``x11`` device, 1280x720, 25 pictures a second, recorded all the time.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from bench.farm import Farm, farm
from bench.idle import family, proportional
from bench.table import Row, show

APP = Path(__file__).parent.parent / "tests" / "support" / "xapp.py"
MINUTE = 60.0
FPS = 25.0
PROGRAMS = {"up", "agent", "anyrig.devices.process.host"}
TEST = f"""import json

import stbt_core


def test_a_minute_of_frames():
    seen = late = backwards = 0
    last = None
    for frame in stbt_core.frames(timeout_secs={MINUTE - 4}):
        step = None if last is None else frame.time - last
        seen += 1
        late += step is not None and step > 1.5 / {FPS}
        backwards += step is not None and step <= 0
        last = frame.time
        if seen % {FPS:.0f} == 0:
            stbt_core.press("KEY_OK")
    with open("frames.json", "w") as file:
        json.dump({{"seen": seen, "late": late, "backwards": backwards}}, file)
"""


def names(lab: Farm) -> dict[str, float]:
    """Megabytes of each program's processes."""
    sizes: dict[str, float] = {}
    for pid in family(lab.pid):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            name = next((word for word in words if word in PROGRAMS), words[0])
            sizes[Path(name).name] = sizes.get(Path(name).name, 0.0) + proportional(pid)
        except OSError:
            continue  # it has ended
    return sizes


def start(client: httpx.Client) -> str:
    body = {
        "node_id": "tv",
        "test_pack_revision": "main",
        "test_cases": ["tests/soak.py::test_a_minute_of_frames"],
        "soak": "run forever",
    }
    answer = client.post("/api/v2/run_tests", json=body)
    answer.raise_for_status()
    return str(answer.json()["job_uid"])


def frames_of(client: httpx.Client, uid: str) -> list[dict[str, Any]]:
    results = client.get("/api/v2/results", params={"filter": f"job:{uid}", "sort": "date:asc"}).json()
    found = []
    for result in results:
        answer = client.get(f"/api/v2/results{result['result_id']}/artifacts/frames.json")
        counted = json.loads(answer.content) if answer.status_code == 200 else {}
        found.append({"result": result["result"], **counted})
    return found


def main() -> None:
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    log = Path("/dev/null")
    device = f"tv=x11:{sys.executable} {APP} {log}"
    with (
        farm("--slots", "0", "--device", device, more={"tests/soak.py": TEST}) as lab,
        lab.client() as client,
    ):
        while not client.get("/api/v2/nodes/tv").json()["available"]:
            time.sleep(1)
        uid = start(client)
        time.sleep(MINUTE)
        samples = [names(lab)]
        for _ in range(minutes):
            time.sleep(MINUTE)
            samples.append(names(lab))
            print({name: round(size, 1) for name, size in samples[-1].items()}, flush=True)
        client.post(f"/api/v2/jobs{uid}/stop")
        counted = frames_of(client, uid)
    programs = sorted({name for sample in samples for name in sample})
    rows: list[Row] = [
        (name, samples[0].get(name, 0.0), samples[-1].get(name, 0.0), max(s.get(name, 0.0) for s in samples))
        for name in programs
    ]
    show(f"Memory over {minutes} minutes, MB", ("program", "first", "last", "most"), rows)
    whole = [one for one in counted if "seen" in one]
    show(
        "Frames",
        ("tests", "passed", "frames seen", "expected", "later than 1.5 periods", "out of order"),
        [
            (
                len(counted),
                sum(one["result"] == "pass" for one in counted),
                sum(one["seen"] for one in whole),
                round(len(whole) * (MINUTE - 4) * FPS),
                sum(one["late"] for one in whole),
                sum(one["backwards"] for one in whole),
            )
        ],
    )


if __name__ == "__main__":
    main()
