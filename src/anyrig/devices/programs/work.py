"""Two ways to wait that a device needs: for the first of several, and for a thread."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any


async def first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until the first ends, then cancel the others; raises what it raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def in_thread(work: Callable[[threading.Event], None]) -> None:
    """Run ``work`` in a thread of its own. When cancelled, the event is set, and the thread waited for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    stop = threading.Event()

    def run() -> None:
        error: BaseException | None = None
        try:
            work(stop)
        except BaseException as caught:  # noqa: BLE001 - it is raised where the thread is waited for
            error = caught
        loop.call_soon_threadsafe(_settle, done, error)

    threading.Thread(target=run, daemon=True).start()
    try:
        await asyncio.shield(done)
    finally:
        stop.set()
        await asyncio.wait([done])
        if not done.cancelled():
            done.exception()


def _settle(done: "asyncio.Future[None]", error: BaseException | None) -> None:
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
