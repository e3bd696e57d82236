"""What a job has written so far: the logs of its tasks, one after the other."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from anyrig.core.records import Task
from anyrig.core.users import Principal
from anyrig.engine import reads
from anyrig.engine.lab import Lab
from anyrig.engine.logs import log_of
from anyrig.engine.pages import tasks_of


async def log_of_job(lab: Lab, who: Principal, uid: str) -> AsyncIterator[bytes]:
    """The logs in blocks. That of a task which still runs ends where it has got to.

    Raises:
        NotFound: There is no such job; later, while it is read: a log was deleted.
        BusUnavailable: While it is read: the bus, which has the log of a running task, is away.
    """
    tasks = await tasks_of(lab, await reads.job(lab, who, uid))
    return _blocks(lab, tasks)


async def _blocks(lab: Lab, tasks: list[Task]) -> AsyncIterator[bytes]:
    for task in tasks:
        async with aclosing(log_of(lab, task)) as blocks:
            async for _, block in blocks:
                yield block
