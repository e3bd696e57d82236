"""What the pinned stbt_core promises us, held against it in a pack's own environment."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyrig.core.results import Verdict

if TYPE_CHECKING:
    from tests.contract.python.conftest import Agent

PACK = Path(__file__).parents[2] / "packs" / "stbt_core"
SOURCE = PACK / "tests" / "promises.py"
PROMISES = [
    node.name
    for node in ast.parse(SOURCE.read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
]


@pytest.mark.parametrize("promise", PROMISES)
async def test_stbt_core_keeps_what_we_rely_on(agent: Agent, promise: str) -> None:
    agent.pack = PACK
    told = await agent.run(f"promises.py::{promise}")
    assert told.outcome.verdict is Verdict.PASS, told.log_text
