"""The processes of a keeper: its collector, and the child that waits for its test."""

import os
from socket import socket

from anyrig.executors.python.inside import collector
from anyrig.executors.python.inside.child import Pipes
from anyrig.executors.python.inside.messages import Message, pair, receive, send

_ANSWERS_WITHIN = 30.0
"""Seconds. What a collector is asked takes milliseconds, unless a test has tampered with it."""


class Lost(Exception):
    """The collector does not answer: a test has killed or stopped it."""


class Crew:
    """A collector, which has just begun to import its file, and its next child."""

    def __init__(self, order: Message, request: Message, pipes: list[int], unwanted: socket) -> None:
        self.alone = False
        """It runs its first test itself, and no other."""
        self.configured = False
        """It has read the test's configuration, or used its device, while it imported the file."""
        self.preface: list[tuple[int, bytes]] = []
        """What was printed meanwhile."""
        self._next: socket | None = None
        self.link, theirs = pair()
        order = {**order, "keeper": os.getpid()}
        self.pid = os.fork()
        if not self.pid:
            try:
                self.link.close()
                unwanted.close()
                collector.main(theirs, order, request, Pipes(pipes))
            finally:
                os._exit(1)  # whatever happens there, it never goes on with what the keeper does
        theirs.close()
        self.handle = os.pidfd_open(self.pid)
        self.link.settimeout(_ANSWERS_WITHIN)

    def collected(self) -> bool:
        """Take the collector's word that it is ready; False if it is not going to be."""
        message = self._receive()
        if message is None:
            return False
        self.alone, self.configured = message["alone"], message["configured"]
        return True

    def run(self, request: Message, pipes: list[int]) -> int:
        """Give a test to a child; the child's process number."""
        self.order_child()
        link, self._next = self._next, None
        message = self._receive()
        if link is None or message is None:
            raise Lost
        with link:
            if not send(link, request, tuple(pipes)):
                raise Lost
        return int(message["forked"])

    def order_child(self) -> None:
        """Have the next child made, which takes a while, unless it is made already.

        Not while one is at work: it would hold that up.
        """
        if self._next is not None:
            return
        self._next, theirs = pair()
        with theirs:
            send(self.link, {"fork": True}, (theirs.fileno(),))  # if it is lost, ``run`` will say so

    def status(self, child: int) -> int:
        """The exit status of a child that has ended; negative for the signal that ended it."""
        if not send(self.link, {"reap": child}) or (message := self._receive()) is None:
            raise Lost
        return int(message["status"])

    def _receive(self) -> Message | None:
        try:
            return receive(self.link)[0]
        except TimeoutError:
            return None

    def close(self) -> None:
        os.close(self.handle)
        self.link.close()
        if self._next is not None:
            self._next.close()
