"""The connection of one process to the device process; what is said there: ``core.devices``."""

import itertools
import json
import mmap
import os
import select
import socket
import sys
import threading
from collections import deque
from contextlib import suppress
from time import monotonic, sleep  # by name: tests may replace those of the module

from anyrig.core.devices import CHANNELS
from anyrig.executors.python.inside.descriptors import moved_up
from anyrig.executors.python.inside.messages import Message

_READ = 1 << 16
_HELLO = 5.0
"""Seconds for the device process to say hello."""
_PAUSE = 0.1


class Lost(Exception):
    """The device process is gone, or does not answer."""


class Wire:
    """Several threads may ask at the same time. Of use only in the process that made it.

    Raises:
        OSError: Nobody listens at ``path``.
        Lost: Somebody does, but does not answer.
    """

    def __init__(self, path: str) -> None:
        self._pid = os.getpid()
        self._lost = False
        self._numbers = itertools.count(1)
        self._outgoing: deque[bytes] = deque()
        self._sending = threading.Lock()
        self._arrived = threading.Condition()
        self._answers: dict[int, Message] = {}
        self._reading = False
        self._part = b""
        self._fds: list[int] = []
        self._socket = _connected(path)
        self._inode = _inode(self._socket)
        hello = self.ask("hello", _HELLO)
        if not self._fds:
            raise Lost("the device process does not show its memory")
        self.shape: tuple[int, int, int] = (hello["height"], hello["width"], CHANNELS)
        """Of a picture: rows, columns, bytes."""
        self._size: int = hello["height"] * hello["width"] * CHANNELS
        self._memory = _mapped(self._fds.pop(), hello["slots"] * self._size)
        self._address = _address(self._memory)

    def __del__(self) -> None:
        if hasattr(self, "_inode"):
            if _inode(self._socket) == self._inode:
                self._socket.close()
            else:  # the test has closed all that was open, and the number is another's now
                self._socket.detach()

    def is_good(self) -> bool:
        """Whether it is worth asking."""
        return self.is_ours() and not self._lost

    def is_ours(self) -> bool:
        """False in a fork, in which the other end would take us for our parent."""
        return self._pid == os.getpid()

    def address(self, slot: int) -> int:
        """Where a slot's picture begins, for as long as this object is there."""
        return self._address + slot * self._size

    def ask(self, op: str, within: float, **fields: object) -> Message:
        """The answer, which may be an error, within so many seconds.

        Raises:
            Lost: There was none. The wire is of no more use.
        """
        number = next(self._numbers)
        self._send({"id": number, "op": op, **fields})
        try:
            return self._answer(number, monotonic() + within)
        except BaseException:  # a signal may have interrupted us in the middle of an answer
            self._lost = True
            raise

    def tell(self, op: str, **fields: object) -> None:
        """Without an answer. Waits for no other thread and raises nothing: the garbage collector calls it."""
        self._send({"id": next(self._numbers), "op": op, **fields})

    def _send(self, message: Message) -> None:
        """In order. Whoever is sending already sends this too, even if that is ourselves, interrupted."""
        self._outgoing.append(json.dumps(message).encode() + b"\n")
        while self._outgoing and self._sending.acquire(blocking=False):
            try:
                while self._outgoing:
                    self._socket.sendall(self._outgoing.popleft())
            except OSError:
                self._lost = True
                self._outgoing.clear()
            finally:
                self._sending.release()

    def _answer(self, number: int, deadline: float) -> Message:
        """One thread reads, for all that wait; the next one takes over when it has its own answer."""
        with self._arrived:
            while number not in self._answers:
                if self._lost:
                    raise Lost("the device process is gone")
                if self._reading:
                    if not self._arrived.wait(max(0.0, deadline - monotonic())):
                        raise Lost("the device process does not answer")
                    continue
                self._reading = True
                self._arrived.release()
                try:
                    messages = self._read(deadline)
                finally:
                    self._arrived.acquire()
                    self._reading = False
                    self._arrived.notify_all()
                self._answers.update((message["id"], message) for message in messages)
            return self._answers.pop(number)

    def _read(self, deadline: float) -> list[Message]:
        """What has come, at least something; the messages that are whole."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(max(0.0, deadline - monotonic()) * 1000):
            raise Lost("the device process does not answer")
        data = b""
        with suppress(OSError):
            data, fds, _, _ = socket.recv_fds(self._socket, _READ, 1)
            self._fds += fds
        if not data:
            self._lost = True
            return []
        *whole, self._part = (self._part + data).split(b"\n")
        return [json.loads(line) for line in whole]


def _connected(path: str) -> socket.socket:
    plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        plain.connect(path)
    except OSError:
        plain.close()
        raise
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=moved_up(plain.detach()))


def _inode(ours: socket.socket) -> int | None:
    try:
        return os.fstat(ours.fileno()).st_ino
    except OSError:
        return None


def _mapped(fd: int, size: int) -> mmap.mmap:
    try:
        return mmap.mmap(fd, size, prot=mmap.PROT_READ)
    finally:
        os.close(fd)


def _address(memory: mmap.mmap) -> int:
    numpy = sys.modules["numpy"]
    address: int = numpy.frombuffer(memory, numpy.uint8).__array_interface__["data"][0]
    return address


class Line:
    """A wire, made when it is first needed, and again when it was lost or this is a fork."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._wire: Wire | None = None
        self.used = False

    def wire(self, deadline: float) -> Wire:
        """A good one by ``deadline`` (of the monotonic clock).

        Two threads may make one each; then the one that was made first goes with its last frame.

        Raises:
            Lost: The device process does not listen, or not any more; it may be about to start again.
        """
        self.used = True
        while True:
            wire = self._wire
            if wire is not None and wire.is_good():
                return wire
            try:
                self._wire = wire = Wire(self._path)
            except (OSError, Lost) as error:
                if monotonic() > deadline:
                    raise Lost(f"the device process does not answer: {error}") from None
                sleep(_PAUSE)  # nothing tells when somebody begins to listen
            else:
                return wire
