"""Something on loopback that takes HTTP posts, or refuses them, or never answers."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Post:
    path: str
    headers: dict[str, str]
    """By their names in small letters."""
    body: bytes


class PostBox:
    """``async with PostBox(503, 503, 200) as box``: the last answer is given again and again.

    None: it never answers.
    """

    def __init__(self, *answers: int | None, headers: str = "", text: bytes = b"ok") -> None:
        self.answers = list(answers or (200,))
        self._headers = headers
        self._text = text
        self.posts: list[Post] = []
        self._arrived = asyncio.Condition()
        self._talking: set[asyncio.Task[object]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def until(self, count: int) -> list[Post]:
        """The posts, once there are so many."""
        async with asyncio.timeout(20), self._arrived:
            await self._arrived.wait_for(lambda: len(self.posts) >= count)
            return list(self.posts)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talking.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._answer(await _post(reader), writer)
        finally:
            self._talking.discard(task)
            writer.close()

    async def _answer(self, post: Post, writer: asyncio.StreamWriter) -> None:
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        async with self._arrived:
            self.posts.append(post)
            self._arrived.notify_all()
        if status is None:
            await asyncio.Event().wait()
        head = f"HTTP/1.1 {status} So\r\nContent-Length: {len(self._text)}\r\n{self._headers}\r\n"
        writer.write(head.encode() + self._text)
        await writer.drain()


async def _post(reader: asyncio.StreamReader) -> Post:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Post(first.split()[1], headers, await reader.readexactly(int(headers["content-length"])))
