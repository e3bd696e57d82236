"""A client of a device's process, as it is on the wire: blocking, one request at a time."""

import json
import mmap
import socket
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class DeviceWire:
    def __init__(self, path: Path, timeout: float = 60.0) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(str(path))
        self.file = self.sock.makefile("rb")
        self.number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.sock.close()

    def ask(self, op: str, **fields: object) -> dict[str, Any]:
        self.tell(op, **fields)
        return self.answer()

    def tell(self, op: str, **fields: object) -> int:
        self.number += 1
        self.sock.sendall(json.dumps({"id": self.number, "op": op, **fields}).encode() + b"\n")
        return self.number

    def answer(self) -> dict[str, Any]:
        line = self.file.readline()
        if not line:
            raise ConnectionError
        said: dict[str, Any] = json.loads(line)
        if "length" in said:
            said["body"] = self.file.read(said["length"])
        return said

    def hello(self) -> "Slots":
        self.tell("hello")
        data, fds, _, _ = socket.recv_fds(self.sock, 65536, 1)
        return Slots(json.loads(data), fds[0])

    def frame(self, after: int = 0, timeout: float = 60.0) -> dict[str, Any]:
        return self.ask("frame", after=after, timeout=timeout)


class Slots:
    """The shared memory, as a client sees it."""

    def __init__(self, said: dict[str, Any], fd: int) -> None:
        self.said = said
        self.fd = fd
        self.shape = (said["height"], said["width"], 3)
        self.size = said["height"] * said["width"] * 3
        self.memory = mmap.mmap(fd, said["slots"] * self.size, prot=mmap.PROT_READ)

    def picture(self, slot: int) -> NDArray[np.uint8]:
        """What is there now; it may change."""
        return np.frombuffer(self.memory, np.uint8, self.size, slot * self.size).reshape(self.shape)
