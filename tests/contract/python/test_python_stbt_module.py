"""``import stbt``, as packs of stb-tester have it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyrig.core.results import Verdict

if TYPE_CHECKING:
    from tests.contract.python.conftest import Agent

PACK = Path(__file__).parents[2] / "packs" / "screen"
NOT_OPEN = "is not part of stbt_core, the open part of stb-tester, and cannot be used here"


@pytest.mark.parametrize(
    ("test", "verdict", "reason"),
    [
        ("test_presses", Verdict.PASS, None),
        ("test_listens", Verdict.ERROR, f"stbt.get_rms_volume {NOT_OPEN}"),
        ("test_a_slip", Verdict.ERROR, f"stbt.mtach {NOT_OPEN}"),
    ],
)
async def test_what_is_open_is_there_and_what_is_not_is_named(
    agent: Agent, test: str, verdict: Verdict, reason: str | None
) -> None:
    agent.pack = PACK
    told = await agent.run(f"closed.py::{test}")
    assert (told.outcome.verdict, told.outcome.reason) == (verdict, reason)


async def test_a_module_of_the_packs_own_goes_before_ours(agent: Agent, tmp_path: Path) -> None:
    agent.pack = tmp_path / "pack"
    (agent.pack / "tests").mkdir(parents=True)
    (agent.pack / "tests" / "stbt.py").write_text("OWN = True\n")
    (agent.pack / "tests" / "a.py").write_text("import stbt\ndef test_own():\n    assert stbt.OWN\n")
    told = await agent.run("a.py::test_own", sha="")
    assert told.outcome.verdict is Verdict.PASS, told.log_text


async def test_it_is_not_loaded_for_those_who_do_not_ask(agent: Agent, tmp_path: Path) -> None:
    agent.pack = tmp_path / "pack"
    (agent.pack / "tests").mkdir(parents=True)
    code = "import sys\ndef test_none():\n    assert 'stbt' not in sys.modules\n"
    (agent.pack / "tests" / "a.py").write_text(code)
    told = await agent.run("a.py::test_none", sha="")
    assert told.outcome.verdict is Verdict.PASS, told.log_text
