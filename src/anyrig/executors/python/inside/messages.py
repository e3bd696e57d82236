"""Messages between the processes: one packet each on a SOCK_SEQPACKET socket, JSON, with file descriptors."""

import array
import json
import socket
from typing import Any

Message = dict[str, Any]
SIZE = 1 << 18
"""No message is longer than this many bytes; Linux takes packets of about 200,000 without further ado."""
LOG = b"L"
"""First byte of the one message that is not JSON: a block of whole log lines, from a keeper to the agent."""
_FDS = 8


def pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def encode(message: Message) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def decode(packet: bytes) -> Message | None:
    """None when the other side is gone."""
    message: Message | None = json.loads(packet.decode("utf-8", "surrogatepass")) if packet else None
    return message


def send(link: socket.socket, message: Message, fds: tuple[int, ...] = ()) -> bool:
    """Send it and copies of the file descriptors; False when the other side is gone."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    try:
        link.sendmsg([encode(message)], rights)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def receive(link: socket.socket) -> tuple[Message | None, list[int]]:
    """Wait for one message and what came with it."""
    try:
        packet, fds, _, _ = socket.recv_fds(link, SIZE, _FDS)
    except ConnectionResetError:
        return None, []
    return decode(packet), fds
