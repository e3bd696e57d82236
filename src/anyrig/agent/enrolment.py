"""How an agent gets to know its server: over HTTP, again whenever the bus is gone."""

import asyncio
import logging
import random

import aiohttp
import msgspec

from anyrig.agent.identity import Identity
from anyrig.agent.machine import AgentSettings
from anyrig.bus.endpoint import Endpoint
from anyrig.core.errors import Invalid, Unauthenticated, Unavailable
from anyrig.core.messages import Enrol, Enrolled

log = logging.getLogger(__name__)
_LONGEST_PAUSE = 10.0
"""Seconds; and never longer than between two signs of life, or a server that is back would miss some."""
_SECONDS = aiohttp.ClientTimeout(total=10)


class Enrolment:
    """Offers the agent's nodes, and learns where the bus is."""

    def __init__(self, session: aiohttp.ClientSession, settings: AgentSettings) -> None:
        self._session = session
        self._server = settings.server.rstrip("/")
        self._identity = settings.identity
        self._one_port = settings.one_port
        self.presence_seconds = 10.0
        """How often the server wants to hear of each node; known after the first ``locate``."""
        self._body = msgspec.json.encode(Enrol(settings.nodes, settings.version))

    async def locate(self) -> Endpoint:
        """Where the bus is now; waits for a server that is away.

        Raises:
            Unauthenticated: The server does not know this agent, or not by this secret.
            Invalid: It does not take what this agent offers.
        """
        pause = 0.2
        while True:
            try:
                enrolled = await self._ask()
            except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as error:
                log.info("%s is not there: %r", self._server, error)
            else:
                self.presence_seconds = enrolled.presence_seconds
                direct = "" if self._one_port else enrolled.bus_url
                url = direct or f"ws{self._server.removeprefix('http')}/nats"
                return Endpoint(url, self._identity.name, self._identity.secret)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that agents come one by one
            pause = min(_LONGEST_PAUSE, self.presence_seconds, pause * 2)

    async def _ask(self) -> Enrolled:
        headers = {"Authorization": f"Bearer {self._identity.printed}", "Content-Type": "application/json"}
        url = f"{self._server}/api/v3/agent/enrol"
        async with self._session.post(url, data=self._body, headers=headers, timeout=_SECONDS) as response:
            body = await response.read()
            if response.status in {401, 403}:
                raise Unauthenticated
            if response.status in {400, 409, 422}:
                raise Invalid(reason=body.decode(errors="replace").strip())
            response.raise_for_status()
            return msgspec.json.decode(body, type=Enrolled)


async def create(server: str, name: str, token: str) -> Identity:
    """Have the server make the agent, by an operator's token.

    Raises:
        Unauthenticated: The token is none, or not an operator's.
        Invalid: The name is not allowed.
        Unavailable: The server is not there.
    """
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{server.rstrip('/')}/api/v3/agents"
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json={"name": name}, headers=headers, timeout=_SECONDS) as response,
        ):
            body = await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable(what=server, reason=repr(error)) from error
    if response.status in {401, 403}:
        raise Unauthenticated
    if not response.ok:
        raise Invalid(reason=body.decode(errors="replace").strip())
    return msgspec.json.decode(body, type=Identity)
