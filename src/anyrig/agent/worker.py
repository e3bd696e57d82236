"""One node: takes a task, runs it, and brings its end to the server. It does one task at a time."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING

from anyrig.agent.clock import ServerClock
from anyrig.agent.journal import Journal
from anyrig.agent.machine import Machine
from anyrig.agent.session import Opened
from anyrig.agent.task_run import TaskRun
from anyrig.bus import codec, subjects
from anyrig.bus.client import Bus
from anyrig.bus.handlers import Message
from anyrig.bus.pull import Delivery
from anyrig.core.errors import Conflict, Invalid, Unavailable
from anyrig.core.messages import (
    AcceptReply,
    AcceptRequest,
    Dispatch,
    Hello,
    HelloReply,
    Presence,
    StopReply,
    StopRequest,
)

if TYPE_CHECKING:
    from anyrig.agent.rig import Rig

_RPC_SECONDS = 10.0
_BUSY_PAUSE = 1.0
_TRIES = 60
log = logging.getLogger(__name__)


class Worker:
    """Serves one node. ``tasks`` are those that run, and those whose end is still on its way."""

    def __init__(
        self, machine: Machine, bus: Bus, node: str, group: asyncio.TaskGroup, rig: "Rig | None" = None
    ) -> None:
        self.node = node
        self._rig = rig
        self._machine = machine
        self._bus = bus
        self._group = group
        self._running: set[asyncio.Task[None]] = set()
        self.tasks: dict[int, TaskRun] = {}
        self._asking = asyncio.Lock()
        self._early_stops: dict[tuple[int, int], StopRequest] = {}

    async def serve(self) -> None:
        """Until cancelled."""
        await self._bus.subscribe(subjects.rpc(self.node, "stop"), self._on_stop)
        async with asyncio.TaskGroup() as group:
            await self._bus.subscribe(subjects.rpc(self.node, "work"), self._on_work(group))
            if self._rig is not None:
                group.create_task(self._rig.serve(self._bus, self.say_present))
            await self._bus.consume(subjects.JOBS, self.node, 1, self._on_dispatch)

    def resume(self, journal: Journal) -> None:
        """A task of an earlier start of this agent: bring home what it left."""
        run = TaskRun.recovered(self._machine, self._bus, journal)
        self._adopt(run, run.resume())

    async def shut_down(self) -> None:
        """End what runs; returns when its end, and that of earlier tasks, has reached the server."""
        for run in self.tasks.values():
            run.shut_down()
        for task in tuple(self._running):
            await asyncio.wait({task})

    def cancel(self) -> None:
        """Leave the rest to the next start."""
        for task in self._running:
            task.cancel()

    def _adopt(self, run: TaskRun, work: Coroutine[None, None, None]) -> None:
        self.tasks[run.spec.task] = run
        task = self._group.create_task(work)
        self._running.add(task)
        task.add_done_callback(lambda _: self._forget(run, task))

    def _forget(self, run: TaskRun, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self.tasks.get(run.spec.task) is run:
            del self.tasks[run.spec.task]

    def _on_work(self, group: asyncio.TaskGroup) -> Callable[[Message], Awaitable[bytes]]:
        """The short way of a dispatch. Whoever is not told that we take it leaves it in the stream."""

        async def answer(message: Message) -> bytes:
            dispatch = codec.decode(Dispatch, message.data)
            if self._is_busy(dispatch.task):
                raise Conflict(reason=f"{self.node} is busy")
            group.create_task(self._take_surely(dispatch))
            return b""

        return answer

    async def _take_surely(self, dispatch: Dispatch) -> None:
        """Ask again if no answer comes, or if it cannot be used now: the server may count on us already.

        What it did not hear of within a minute it brings up again by itself.
        """
        for _ in range(_TRIES):
            try:
                await self._take(dispatch)
            except Unavailable as error:
                log.info("task %d: %s", dispatch.task, error)
            except Exception:
                log.exception("task %d cannot be taken", dispatch.task)
            else:
                return
            await asyncio.sleep(_BUSY_PAUSE)

    def _is_busy(self, task: int) -> bool:
        executing = any(run.executing for run in self.tasks.values())
        return executing or task in self.tasks or self._asking.locked()

    async def _on_dispatch(self, arrived: list[Delivery]) -> None:
        for message in arrived:
            await self._consider(message)

    async def _consider(self, message: Delivery) -> None:
        dispatch = codec.decode(Dispatch, message.data)
        if self._is_busy(dispatch.task):
            await message.nak(_BUSY_PAUSE)
            return
        try:
            await self._take(dispatch)
        except Unavailable:
            await message.nak(_BUSY_PAUSE)
        else:
            await message.ack()

    async def _take(self, dispatch: Dispatch) -> None:
        """Ask for the task, and run it; by whichever ways its dispatch comes, once. Raises Unavailable."""
        async with self._asking:
            if dispatch.task not in self.tasks:
                await self._ask_and_begin(dispatch)

    async def _ask_and_begin(self, dispatch: Dispatch) -> None:
        asked = time.monotonic_ns()
        reply = await self._accept(dispatch.task)
        if reply.spec is not None and reply.go:
            journal = Journal.create(self._machine.tasks, Opened(reply.spec, reply.attempt))
            run = TaskRun(self._machine, self._bus, journal, device=self._rig.device if self._rig else None)
            self._adopt(run, run.execute(ServerClock(reply.now, asked)))
            self._stop_early(run)

    def _stop_early(self, run: TaskRun) -> None:
        """The server may tell of a stop as soon as it has said go, while the journal is still being made."""
        asked = self._early_stops.get(run.key)
        self._early_stops.clear()
        if asked is not None:
            run.stop.set(asked.reason, asked.grace)

    async def _accept(self, task: int) -> AcceptReply:
        asked = codec.encode(AcceptRequest(task, self.node, self._machine.boot_id))
        answer = await self._bus.request(subjects.control("accept", self.node), asked, timeout=_RPC_SECONDS)
        return codec.decode(AcceptReply, answer)

    async def _on_stop(self, message: Message) -> bytes:
        asked = codec.decode(StopRequest, message.data)
        run = self.tasks.get(asked.task)
        if run is None or run.key != (asked.task, asked.attempt):
            self._early_stops[asked.task, asked.attempt] = asked
            return codec.encode(StopReply(stopped=False))
        if asked.forget:
            run.forget()
        run.stop.set(asked.reason, asked.grace)
        await run.over.wait()
        return codec.encode(StopReply(stopped=True))

    async def hello(self) -> None:
        """After a connect: hear which of our tasks are not ours any more, and which are to stop."""
        held = tuple(run.key for run in self.tasks.values())
        said = codec.encode(Hello(self.node, self._machine.boot_id, held))
        with suppress(Unavailable, Invalid):
            answer = await self._bus.request(subjects.control("hello", self.node), said, timeout=_RPC_SECONDS)
            reply = codec.decode(HelloReply, answer)
            for task in reply.drop:
                self.tasks[task].forget()
            for task in reply.stop:
                self.tasks[task].stop.set("Stopped.", 5.0)

    async def say_present(self) -> None:
        """Give a sign of life. Raises Unavailable."""
        held = tuple(run.key for run in self.tasks.values())
        machine, trouble = self._machine, self._rig.trouble if self._rig else None
        said = Presence(machine.boot_id, machine.version, machine.agent, machine.local_ip, held, trouble)
        await self._bus.presence_put(self.node, codec.encode(said))
