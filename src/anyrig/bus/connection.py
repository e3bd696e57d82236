"""Keeps one live link for ever: opens it, restores its subscriptions, and replaces it when it is lost."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from anyrig.bus.endpoint import Endpoint
from anyrig.bus.link import Link
from anyrig.bus.pauses import pauses
from anyrig.core.errors import BusUnavailable, Unavailable

log = logging.getLogger(__name__)

LONGEST_PAUSE = 5.0
"""Seconds between two tries to connect, at most."""
Callback = Callable[[Msg], Awaitable[None]]
Hook = Callable[[], Awaitable[None]]
Locate = Callable[[], Awaitable[Endpoint]]
"""Says where the bus is now."""


class Interest:
    """A subscription that outlives links."""

    def __init__(self, connection: "Connection", subject: str, queue: str, callback: Callback) -> None:
        self._connection = connection
        self._subject = subject
        self._queue = queue
        self._callback = callback
        self._on: tuple[Link, Subscription] | None = None

    async def attach(self, link: Link) -> None:
        """Subscribe over this link, once."""
        if self._on is None or self._on[0] is not link:
            self._on = (link, await link.subscribe(self._subject, self._callback, self._queue))

    async def stop(self) -> None:
        """Receive no more."""
        self._connection.interests.discard(self)
        if self._on is not None:
            await self._on[0].unsubscribe(self._on[1])


class Connection:
    """``keep`` is a task of the owner; everybody else asks for the link."""

    def __init__(self, locate: Locate, name: str, inbox: str) -> None:
        self._locate = locate
        self._name = name
        self._inbox = inbox
        self._link: Link | None = None
        self._up = asyncio.Event()
        self._attaching = asyncio.Lock()
        self._was_up = False
        self.reason = "not connected yet"
        self.interests: set[Interest] = set()
        self.hooks: list[Hook] = []

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    async def link(self, within: float | None = None) -> Link:
        """The live link, waited for. Raises BusUnavailable when there is none ``within`` these seconds."""
        try:
            async with asyncio.timeout(within):
                await self._up.wait()
        except TimeoutError as error:
            raise BusUnavailable(reason=self.reason) from error
        if self._link is None:
            raise BusUnavailable(reason=self.reason)
        return self._link

    async def subscribe(self, subject: str, queue: str, callback: Callback) -> Interest:
        """Receive what comes to ``subject`` from now on, over this link and all later ones."""
        interest = Interest(self, subject, queue, callback)
        async with self._attaching:
            self.interests.add(interest)
            if self._link is not None:
                with suppress(BusUnavailable):  # the next link will do it
                    await interest.attach(self._link)
                    await self._link.settle()
        return interest

    async def keep(self) -> None:
        """Run for ever."""
        tries = pauses(LONGEST_PAUSE)
        while True:
            try:
                async with self._opened() as link:
                    tries = pauses(LONGEST_PAUSE)
                    await self._live(link)
                    log.warning("%s: connection lost: %s", self._name, link.reason)
            except Unavailable as error:
                self.reason = str(error)
                log.debug("%s: %s", self._name, error)
            await asyncio.sleep(next(tries))

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Link]:
        endpoint = await self._locate()
        link = Link(endpoint, self._name, self._inbox)
        try:
            await link.open()
            await self._restore(link)
            log.info("%s: connected to %s", self._name, endpoint.url)
            yield link
        finally:
            self._up.clear()
            await link.close()

    async def _restore(self, link: Link) -> None:
        async with self._attaching:
            self._link = link
            for interest in tuple(self.interests):
                await interest.attach(link)
        await link.ping()

    async def _live(self, link: Link) -> None:
        """Let it be used until it is lost."""
        self._up.set()
        with link.upon_loss(self._up.clear):
            async with asyncio.TaskGroup() as tasks:
                hooks = tasks.create_task(self._call_hooks())
                await link.watch()
                hooks.cancel()  # they run again over the next link

    async def _call_hooks(self) -> None:
        came_back, self._was_up = self._was_up, True
        for hook in self.hooks if came_back else ():
            try:
                await hook()
            except Exception:
                log.exception("%s: after the connection came back", self._name)
