"""Logs, read from their start and while they grow."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from anyrig.bus import subjects
from anyrig.bus.client import Bus

NewName = Callable[[], str]
CHUNK = 64 * 1024


async def whole(bus: Bus, node: str, attempt: int = 1) -> list[tuple[int, bytes]]:
    async with asyncio.timeout(10):
        return [chunk async for chunk in bus.read_log(7, attempt, node, follow=False)]


async def test_a_log_is_read_from_its_start(bus: Bus, node: str) -> None:
    chunks = [(n * CHUNK, bytes([n]) * CHUNK) for n in range(100)]
    for offset, chunk in chunks:
        await bus.log_publish(node, 7, 1, offset, chunk)
    assert await whole(bus, node) == chunks


async def test_a_log_that_is_not_there_is_empty(bus: Bus, node: str) -> None:
    assert await whole(bus, node) == []


async def test_each_attempt_has_its_own_log(bus: Bus, node: str, new_name: NewName) -> None:
    await bus.log_publish(node, 7, 1, 0, b"first\n")
    await bus.log_publish(node, 7, 2, 0, b"second\n")
    await bus.log_publish(new_name(), 7, 1, 0, b"elsewhere\n")
    assert await whole(bus, node, 1) == [(0, b"first\n")]
    assert await whole(bus, node, 2) == [(0, b"second\n")]


async def test_what_an_agent_repeats_is_read_once(bus: Bus, node: str) -> None:
    await bus.log_publish(node, 7, 1, 0, b"abc")
    await bus.log_publish(node, 7, 1, 0, b"abc")
    await bus.publish(subjects.log(node, 7, 1), b"?")
    link = await bus._connection.link()
    await link.request(subjects.log(node, 7, 1), b"abcdef", {"Off": "0"})
    await link.request(subjects.log(node, 7, 1), b"ef", {"Off": "4"})
    await bus.log_publish(node, 7, 1, 6, b"g")
    assert await whole(bus, node) == [(0, b"abc"), (3, b"def"), (6, b"g")]


async def test_a_log_is_followed_while_it_grows(bus: Bus, node: str) -> None:
    await bus.log_publish(node, 7, 1, 0, b"old\n")
    async with asyncio.timeout(10), aclosing(bus.read_log(7, 1, node, follow=True)) as log:
        assert await anext(log) == (0, b"old\n")
        for number in range(200):
            await bus.log_publish(node, 7, 1, 4 + number, b"x")
            assert await anext(log) == (4 + number, b"x")


async def test_two_readers_do_not_disturb_each_other(bus: Bus, node: str) -> None:
    async with (
        asyncio.timeout(10),
        aclosing(bus.read_log(7, 1, node, follow=True)) as one,
        aclosing(bus.read_log(7, 1, node, follow=True)) as other,
    ):
        await bus.log_publish(node, 7, 1, 0, b"a")
        assert (await anext(one), await anext(other)) == ((0, b"a"), (0, b"a"))


async def test_a_reader_leaves_no_consumer_behind(bus: Bus, node: str) -> None:
    await bus.log_publish(node, 7, 1, 0, b"a")
    async with aclosing(bus.read_log(7, 1, node, follow=True)) as log:
        await anext(log)
        assert b'"total":1' in await bus.request("$JS.API.CONSUMER.NAMES.LOG", b"", 5.0)
    assert b'"total":0' in await bus.request("$JS.API.CONSUMER.NAMES.LOG", b"", 5.0)
