"""What real test packs say of nodes, and how long it is remembered."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from anyrig.engine.node_configs import NodeConfigs
from anyrig.packs.hosting import Packs


@pytest.fixture
async def packs(tmp_path: Path) -> AsyncIterator[Packs]:
    async with Packs(tmp_path / "packs") as packs:
        yield packs


@pytest.fixture
async def folder(tmp_path: Path, packs: Packs) -> Path:
    """What the project ``tv`` follows: every file in it is committed when it is asked for."""
    folder = tmp_path / "tv"
    (folder / "config/test-farm").mkdir(parents=True)
    describe(folder, "Rack 3")
    await packs.adopt("tv", str(folder))
    return folder


def describe(folder: Path, name: str) -> None:
    (folder / "config/test-farm/tv1.conf").write_text(f"[node]\nfriendly_name = {name}\n")


async def names(configs: NodeConfigs, packs: Packs) -> list[str | None]:
    found = await configs.of(packs, "tv", ["tv1", "tv2"])
    return [found[node].get("node", {}).get("friendly_name") for node in ("tv1", "tv2")]


async def test_a_node_without_a_file_has_an_empty_configuration(packs: Packs, folder: Path) -> None:
    assert await names(NodeConfigs(), packs) == ["Rack 3", None]


async def test_a_new_commit_is_seen_when_what_is_known_is_no_longer_fresh(packs: Packs, folder: Path) -> None:
    lasting, fleeting = NodeConfigs(fresh=3600.0), NodeConfigs(fresh=-1.0)
    assert await names(lasting, packs) == await names(fleeting, packs)
    describe(folder, "Rack 4, Node 1")
    assert await names(fleeting, packs) == ["Rack 4, Node 1", None]
    assert await names(lasting, packs) == ["Rack 3", None]


async def test_many_who_ask_at_once_all_get_an_answer(packs: Packs, folder: Path) -> None:
    configs = NodeConfigs()
    answers = await asyncio.gather(*(names(configs, packs) for _ in range(20)))
    assert answers == [["Rack 3", None]] * 20


async def test_a_pack_that_is_not_there_says_nothing(packs: Packs) -> None:
    assert await names(NodeConfigs(), packs) == [None, None]


async def test_what_was_known_stays_while_the_pack_is_away(packs: Packs, folder: Path) -> None:
    configs = NodeConfigs(fresh=-1.0)
    await configs.of(packs, "tv", ["tv1"])
    await packs.close()
    shutil.rmtree(packs.root / "tv.git")
    assert await names(configs, packs) == ["Rack 3", None]


async def test_a_file_that_is_too_large_says_nothing(packs: Packs, folder: Path) -> None:
    (folder / "config/test-farm/tv1.conf").write_bytes(b"#" * (32 * 1024 * 1024 + 1))
    assert await names(NodeConfigs(), packs) == [None, None]
