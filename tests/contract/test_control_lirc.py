"""Infrared keys, sent by a real lircd whose transmitter is a file."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from anyrig.core.devices import Remote
from anyrig.core.errors import ControlFailed, UnknownKey
from anyrig.devices.base import Control
from anyrig.devices.lirc.control import open_control

CONF = """
begin remote
  name {name}
  bits 8
  flags SPACE_ENC
  header 9000 4500
  one 560 1690
  zero 560 560
  ptrail 560
  gap 40000
  begin codes
{codes}
  end codes
end remote
"""
TV = CONF.format(name="tv", codes="    KEY_OK 0x11\n    KEY_UP 0x22")
AMPLIFIER = CONF.format(name="amplifier", codes="    KEY_MUTE 0x33  # hush")
BITS = {"KEY_OK": "00010001", "KEY_UP": "00100010", "KEY_MUTE": "00110011"}


class Lircd:
    """A daemon that runs, and the signals it sent."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self._process: asyncio.subprocess.Process

    @property
    def sent(self) -> list[str]:
        """The bits of each signal."""
        lengths = [int(line.split()[1]) for line in (self._folder / "sent").read_text().splitlines() if line]
        signals: list[str] = []
        for length in lengths[1:]:
            if length == 4500:
                signals.append("")
            elif length in {560, 1690} and signals and len(signals[-1]) < 16:
                signals[-1] += "1" if length == 1690 else "0"
        return [signal[1::2] for signal in signals]

    async def start(self) -> None:
        (self._folder / "lircd.conf").write_text(TV + AMPLIFIER)
        (self._folder / "sent").touch()
        self._process = await asyncio.create_subprocess_exec(
            *("/usr/sbin/lircd", "--nodaemon", "--options-file=/dev/null", "--driver=file"),
            *("--plugindir=/usr/lib/x86_64-linux-gnu/lirc/plugins", f"--device={self._folder / 'sent'}"),
            *(f"--output={self._folder / 'socket'}", f"--pidfile={self._folder / 'pid'}"),
            *(
                f"--logfile={self._folder / 'log'}",
                f"--listen={self.address}",
                str(self._folder / "lircd.conf"),
            ),
        )
        await self.answers()

    async def answers(self) -> None:
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except ConnectionError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return

    async def stop(self) -> None:
        self._process.terminate()
        await asyncio.wait_for(self._process.wait(), 10)


@pytest.fixture
async def lircd(tmp_path: Path) -> AsyncIterator[Lircd]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    daemon = Lircd(tmp_path, port)
    await daemon.start()
    yield daemon
    await daemon.stop()


async def test_keys_are_sent_by_the_remote_control_that_has_them(lircd: Lircd) -> None:
    async with open_control({"address": lircd.address}) as control:
        await control.use(Remote("any", text=TV + AMPLIFIER))
        for key in ("KEY_OK", "KEY_MUTE", "KEY_UP"):
            await control.press(key, None)
    assert lircd.sent == [BITS["KEY_OK"], BITS["KEY_MUTE"], BITS["KEY_UP"]]


async def test_a_remote_control_is_known_by_its_name(lircd: Lircd) -> None:
    async with open_control({"address": lircd.address}) as control:
        await control.use(Remote("amplifier"))
        await control.press("KEY_MUTE", None)
    async with open_control({"address": lircd.address, "remote": "tv"}) as control:
        await control.press("KEY_OK", None)
    assert lircd.sent == [BITS["KEY_MUTE"], BITS["KEY_OK"]]


async def test_a_held_key_is_repeated_until_it_is_let_go(lircd: Lircd) -> None:
    async with open_control({"address": lircd.address, "remote": "tv"}) as control:
        await control.press("KEY_OK", 0.5)
        count = len(lircd.sent)
        await control.down("KEY_UP")
        await control.up("KEY_UP")
        await control.press("KEY_OK", None)
    assert count > 3
    assert set(lircd.sent[:count]) == {BITS["KEY_OK"]}
    assert set(lircd.sent[count:-1]) == {BITS["KEY_UP"]}
    assert lircd.sent[-1] == BITS["KEY_OK"]


async def test_what_lircd_does_not_know_is_refused_in_its_words(lircd: Lircd) -> None:
    async with open_control({"address": lircd.address, "remote": "tv"}) as control:
        with pytest.raises(UnknownKey, match=r"\(unknown command: \"KEY_MUTE\"\) has no key 'KEY_MUTE'"):
            await control.press("KEY_MUTE", None)
        await control.use(Remote("radio"))
        with pytest.raises(UnknownKey, match=r"\(unknown remote: \"radio\"\) has no key 'KEY_OK'"):
            await control.press("KEY_OK", 1)
        with pytest.raises(UnknownKey):
            await control.press("KEY_OK\nSEND_ONCE tv KEY_UP", None)
    assert lircd.sent == []


async def test_lircd_says_no_while_it_repeats(lircd: Lircd) -> None:
    async with open_control({"address": lircd.address, "remote": "tv"}) as control:
        await control.down("KEY_OK")
        with pytest.raises(ControlFailed, match="KEY_UP: busy: repeating"):
            await control.press("KEY_UP", None)
        await control.up("KEY_OK")
        with pytest.raises(ControlFailed, match="not repeating"):
            await control.up("KEY_OK")


async def test_without_a_remote_control_no_key_is_sent(lircd: Lircd) -> None:
    async with open_control({"address": lircd.address}) as control:
        with pytest.raises(ControlFailed, match="'' is no name of a remote control"):
            await control.press("KEY_OK", None)


async def test_keys_are_sent_again_after_lircd_was_restarted(lircd: Lircd) -> None:
    async with open_control({"address": lircd.address, "remote": "tv"}) as control:
        await control.press("KEY_OK", None)
        await lircd.stop()
        with pytest.raises(ControlFailed, match="did not do it"):
            await control.press("KEY_OK", None)
        await lircd.start()
        await control.press("KEY_UP", None)
    assert lircd.sent[-1] == BITS["KEY_UP"]


async def test_a_lircd_that_is_away_is_a_failure() -> None:
    with pytest.raises(ControlFailed, match=r"The control lirc 127\.0\.0\.1:9 did not do it: .*refused"):
        async with open_control({"address": "127.0.0.1:9"}):
            pass


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def told_by(talk: Talk) -> AsyncIterator[Control]:
    """A control whose peer says what lircd says at times that cannot be brought about."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        writer.close()
        await writer.wait_closed()
        over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        async with open_control({"address": f"127.0.0.1:{port}", "remote": "tv"}) as control:
            yield control
        await asyncio.wait_for(over.wait(), 10)


async def test_news_for_everybody_are_not_taken_for_an_answer() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(b"0000000000f40bf0 00 KEY_UP other\nBEGIN\nSIGHUP\nEND\nBEGIN\n" + line)
            writer.write(b"ERROR\nDATA\n2\nEND\n")
            await writer.drain()
            writer.write(b"is a word of data\nEND\n")

    async with told_by(talk) as control:
        for _ in range(2):
            with pytest.raises(ControlFailed, match="KEY_OK: END; is a word of data"):
                await control.press("KEY_OK", None)


async def test_a_peer_that_hangs_up_is_a_failure() -> None:
    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readline()

    async with told_by(talk) as control:
        with pytest.raises(ControlFailed, match="lircd closed the connection"):
            await control.press("KEY_OK", None)
