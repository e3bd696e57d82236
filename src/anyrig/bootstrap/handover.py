"""What a server that starts itself anew leaves to its next start: its address, and the agent beside it.

Nobody who comes to the address meanwhile is refused, the system keeps them waiting; and what runs on this
machine goes on. All of it stays with the process, which only becomes another program (execve(2)).
"""

import json
import os
import socket
import sys
from dataclasses import asdict, dataclass
from typing import NoReturn

_VARIABLE = "ANYRIG_HANDOVER"


@dataclass(frozen=True, slots=True)
class Handover:
    """What there is from the start before this one."""

    listening: int | None = None
    """The descriptor of a socket that listens."""
    agent: int | None = None
    """The process number of the agent, a child of ours."""
    mark: str = ""
    """What that agent was started with."""


def taken() -> Handover:
    """What was left to this start; later ones get nothing."""
    left = os.environ.pop(_VARIABLE, None)
    return Handover(**json.loads(left)) if left else Handover()


def kept_open(listening: socket.socket) -> int:
    """A descriptor of the same socket that outlives this program."""
    fd = os.dup(listening.fileno())
    os.set_inheritable(fd, True)
    return fd


def start_again(left: Handover) -> NoReturn:
    """Become the same program anew."""
    environment = os.environ | {_VARIABLE: json.dumps(asdict(left))}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "anyrig", *sys.argv[1:]], environment)  # noqa: S606
