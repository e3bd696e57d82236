"""The real executor on a small pack, with an environment that is kept between runs of the suite."""

import asyncio
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest

from anyrig.core.build_records import Channel, Level
from anyrig.core.messages import TaskSpec
from anyrig.executors import python
from anyrig.executors.base import Device, Outcome, StopFlag, Workspace
from anyrig.executors.descendants import descendants

DEADLINE = 60.0
MARK = "RUN_OF_THE_SUITE"
"""A variable that tells our processes from those of another run."""
PACK = Path(__file__).parents[2] / "packs" / "python"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "anyrig" / "test-envs"
SPEC = TaskSpec(
    task=1,
    job_uid="/rig1/0000/7",
    task_index=0,
    node="rig1",
    kind="python",
    project="tv",
    user="ada",
    pack_url="/git/tv.git",
    sha="a" * 40,
    tests=(),
    done=0,
    forever=False,
    shuffle=False,
    category="nightly",
    remote_control="",
    tags={},
)


@dataclass
class Told:
    """A reporter that remembers; files are read when told, because they may go afterwards."""

    ahead: int = 0
    """Microseconds by which the server's clock is ahead of this machine's."""
    on_log: Callable[["Told"], object] = id
    began: list[str] = field(default_factory=list)
    log_text: str = ""
    results: list[tuple[str, Outcome]] = field(default_factory=list)
    files: list[dict[str, bytes]] = field(default_factory=list)

    def started(self, test: str) -> None:
        assert len(self.results) == len(self.began)
        self.began.append(test)

    def log(self, lines: bytes) -> None:
        assert lines.endswith(b"\n")
        self.log_text += lines.decode()
        self.on_log(self)

    def record(self, channel: Channel, level: Level, message: str) -> None:
        raise AssertionError(channel, level, message)

    async def finished(self, test: str, outcome: Outcome) -> None:
        assert self.began[-1] == test
        self.results.append((test, outcome))
        self.files.append({name: file.read_bytes() for name, file in outcome.files.items()})

    def now(self) -> int:
        return time.time_ns() // 1000 + self.ahead

    @property
    def outcome(self) -> Outcome:
        """Of the only test."""
        [(_, outcome)] = self.results
        return outcome

    @property
    def output(self) -> dict[str, bytes]:
        """Of the only test."""
        [files] = self.files
        return files

    @property
    def messages(self) -> list[str]:
        """What the live log says, without times."""
        return [line[33:] for line in self.log_text.splitlines()]

    def said(self, word: str) -> str:
        """What the log says after a word."""
        [found] = [line.partition(" ")[2] for line in self.messages if line.split(" ")[0] == word]
        return found


class Agent:
    """Runs tasks as an agent would; ``pack`` is the checkout."""

    def __init__(self, scratch: Path) -> None:
        self.pack = PACK
        self.cache = CACHE
        self.device: Device | None = None
        self.stop = StopFlag()
        self._scratch = scratch
        self._tasks = 0

    async def run(self, *tests: str, told: Told | None = None, **fields: object) -> Told:
        """Tests are named without ``tests/``."""
        self._tasks += 1
        scratch = self._scratch / str(self._tasks)
        scratch.mkdir()
        told = told or Told()
        names = tuple(f"tests/{test}" for test in tests)
        spec = replace(SPEC, **{"task": self._tasks, "tests": names, **fields})  # type: ignore[arg-type]
        with anyio.fail_after(DEADLINE):
            workspace = Workspace(self.pack, scratch, self.cache, self.device)
            await python.run(spec, workspace, told, self.stop)
        return told


@pytest.fixture(scope="session", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Made before the first test; after the last one nothing of it runs any more."""
    os.environ[MARK] = uuid.uuid4().hex
    CACHE.mkdir(parents=True, exist_ok=True)
    asyncio.run(Agent(tmp_path_factory.mktemp("first")).run("isolated.py::test_one"))
    yield
    python.WARM.close()
    assert not [pid for pid in descendants(os.getpid()) if b"boot.py" in proc(pid, "cmdline")]


def proc(pid: int, name: str) -> bytes:
    """What the kernel tells of a process; nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def told_of_tomorrow() -> Told:
    """The server's clock is a day ahead."""
    return Told(ahead=24 * 3600 * 1_000_000)


@pytest.fixture
def left() -> Callable[[], list[int]]:
    """The processes that tests of the pack have left."""

    def find() -> list[int]:
        mark = f"{MARK}={os.environ[MARK]}\0".encode()
        everybody = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
        return [
            pid
            for pid in everybody
            if b"time.sleep(4321)" in proc(pid, "cmdline") and mark in proc(pid, "environ")
        ]

    return find
