"""A TCP wire that can be cut and mended."""

import select
import socket
import threading
from typing import Self

_BLOCK = 65536


class Wire:
    """``with Wire(port) as wire``: ``wire.port`` leads to ``wire.target`` on loopback, until it is cut."""

    def __init__(self, port: int) -> None:
        self.target = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._whole = threading.Event()
        self._whole.set()
        self._open = True
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self.cut()
        for thread in self._threads:
            thread.join()
        self._listening.close()

    def cut(self) -> None:
        """Every connection is lost, and no new one lives."""
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while self._open:
            if select.select([self._listening], [], [], 0.1)[0]:
                near, _ = self._listening.accept()
                if self._whole.is_set():
                    self._start(self._pipe, near)
                else:
                    near.close()

    def _pipe(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self.target)) as far:
            other = {near: far, far: near}
            while self._whole.is_set():
                for ready in select.select([near, far], [], [], 0.1)[0]:
                    data = _received(ready)
                    if not data:
                        return
                    other[ready].sendall(data)


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(_BLOCK)
    except ConnectionError:
        return b""
