"""Lets agents in: answers NATS's question who somebody is, and says what they may do.

See https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/auth_callout.
All servers answer in one queue group, so agents can connect while any server lives.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from anyrig.bus import signing, subjects
from anyrig.bus.client import Bus
from anyrig.bus.connection import Interest
from anyrig.bus.handlers import Message
from anyrig.core.errors import AnyrigError
from anyrig.core.ids import checked_name

log = logging.getLogger(__name__)

Authorise = Callable[[str, str], Awaitable[tuple[str, ...] | None]]
Allowed = dict[str, list[str]]

LIFETIME = 3600
"""Seconds after which NATS closes the connection; the agent connects again and is asked anew."""
ANSWER_WITHIN = 120
"""Seconds an agent has to answer a request."""
_SUBJECT = "$SYS.REQ.USER.AUTH"
_UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs, into which account agents come, and for how many seconds."""

    seed: str
    key: str
    account: str
    lifetime: int


async def serve(
    bus: Bus, issuer_seed: str, authorise: Authorise, account: str = "$G", lifetime: int = LIFETIME
) -> Interest:
    """Answer from now on, until the interest is stopped or the bus closed.

    ``authorise(agent, secret)`` gives the nodes that the agent serves; None or no node refuses it. The bus
    must be that of a user named in ``auth_users``. Raises Invalid when ``issuer_seed`` is none.
    """
    issuer = Issuer(issuer_seed, signing.public_key(issuer_seed), account, lifetime)
    return await bus.subscribe(_SUBJECT, partial(_answer, issuer, authorise), queue=subjects.SERVERS)


def permissions(agent: str, nodes: tuple[str, ...]) -> tuple[Allowed, Allowed]:
    """What an agent may publish to, and subscribe to. ``nodes`` is not empty: NATS takes no entry for any."""
    publish = [subject for node in nodes for subject in _published(checked_name("node", node))]
    return {"allow": publish}, {"allow": [f"{subjects.inbox(agent)}.>", *(f"node.{n}.>" for n in nodes)]}


def _published(node: str) -> tuple[str, ...]:
    return (
        f"evt.{node}.>",
        f"log.{node}.>",
        subjects.presence(node),
        subjects.control("*", node),
        f"$JS.API.CONSUMER.MSG.NEXT.{subjects.JOBS}.{node}",
        f"$JS.ACK.{subjects.JOBS}.{node}.>",
        f"$JS.ACK.*.*.{subjects.JOBS}.{node}.>",  # the longer form of servers with domains
    )


async def _answer(issuer: Issuer, authorise: Authorise, message: Message) -> bytes:
    request = signing.claims_of(message.data)["nats"]
    login, key = request["connect_opts"], request["user_nkey"]
    agent = login.get("user", "")
    nodes = await _nodes(authorise, agent, login.get("pass", ""))
    answer: dict[str, Any] = {"type": "authorization_response", "version": 2}
    if nodes:
        answer["jwt"] = _user(issuer, key, agent, nodes)
    else:
        answer["error"] = "refused"
    return _token(issuer, sub=key, aud=request["server_id"]["id"], nats=answer).encode()


async def _nodes(authorise: Authorise, agent: str, secret: str) -> tuple[str, ...] | None:
    try:
        return await authorise(checked_name("agent", agent), secret)
    except AnyrigError as error:
        log.warning("an agent was refused: %s", error)
        return None


def _user(issuer: Issuer, key: str, agent: str, nodes: tuple[str, ...]) -> str:
    publish, subscribe = permissions(agent, nodes)
    rights = {
        "type": "user",
        "version": 2,
        "pub": publish,
        "sub": subscribe,
        "resp": {"max": 1, "ttl": ANSWER_WITHIN * 1_000_000_000},
        "subs": _UNLIMITED,
        "data": _UNLIMITED,
        "payload": _UNLIMITED,
    }
    expires = int(time.time()) + issuer.lifetime
    return _token(issuer, sub=key, aud=issuer.account, name=agent, exp=expires, nats=rights)


def _token(issuer: Issuer, **claims: Any) -> str:
    return signing.signed(issuer.seed, {"iss": issuer.key, "iat": int(time.time())} | claims)
