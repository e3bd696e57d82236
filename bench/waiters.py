"""5,000 clients that wait for jobs: memory of the server for each, and how soon each hears of the end."""

import asyncio
import sys
import time
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from bench.farm import Farm, farm, run_job
from bench.table import percentile, show

ENDS = 100


def resident(pid: int) -> int:
    """Bytes."""
    line = next(
        row for row in Path(f"/proc/{pid}/status").read_text().splitlines() if row.startswith("VmRSS")
    )
    return int(line.split()[1]) * 1024


async def waiter(farm: Farm, uid: str, connected: asyncio.Semaphore) -> float:
    """When the answer came."""
    url = urlsplit(farm.url)
    async with connected:
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        path = f"/api/v2/jobs{uid}/await_completion"
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: token {farm.token}\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()
    await reader.readline()
    heard = time.time()
    writer.close()
    return heard


async def measure(ours: Farm, clients: int) -> None:
    client = ours.client()
    body = {"node_id": "local-1", "test_pack_revision": "main", "test_cases": ["tests/lines.py::test_stamps"]}
    before = resident(ours.pid)
    uid = client.post("/api/v2/run_tests", json=body | {"soak": "run forever"}).json()["job_uid"]
    gate = asyncio.Semaphore(200)
    waiting = [asyncio.create_task(waiter(ours, uid, gate)) for _ in range(clients)]
    await asyncio.sleep(clients / 1000 + 3)
    each = (resident(ours.pid) - before) / clients / 1000
    late = [await one_end(ours) for _ in range(ENDS)]
    await asyncio.to_thread(client.put, f"/api/v2/jobs{uid}/stop")
    await asyncio.gather(*waiting)
    rows = [("kB a waiter", each, 20.0), ("end to waiter, p99 ms", percentile(late, 0.99) * 1e3, 20.0)]
    show(f"{clients:,} clients in await_completion", ("", "anyrig", "asked, at most"), rows)


async def one_end(ours: Farm) -> float:
    """Seconds from the job's end, by the server's record, until its one waiter heard of it."""
    client = ours.client()
    body = {
        "node_id": "local-2",
        "test_pack_revision": "main",
        "test_cases": ["tests/trivial.py::test_nothing"],
    }
    uid = (await asyncio.to_thread(client.post, "/api/v2/run_tests", json=body)).json()["job_uid"]
    heard = await waiter(ours, uid, asyncio.Semaphore(1))
    job = (await asyncio.to_thread(client.get, f"/api/v2/jobs{uid}")).json()
    client.close()
    return heard - datetime.fromisoformat(job["end_time"]).timestamp()


def main() -> None:
    with farm("--slots", "2", ANYRIG_HOLD_SECONDS="600") as ours:
        run_job(ours.client(), ["tests/trivial.py::test_nothing"], "local-2")
        asyncio.run(measure(ours, int(sys.argv[1]) if len(sys.argv) > 1 else 5000))


if __name__ == "__main__":
    main()
