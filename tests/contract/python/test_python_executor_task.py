"""Tasks: order, configuration, environment."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import TYPE_CHECKING

from anyrig.core.results import Verdict
from anyrig.executors.base import StopFlag
from anyrig.executors.registry import EXECUTORS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.python.conftest import Agent, Told

SAYS = "def test_says():\n    print('hello')\n"


def write(pack: Path, **files: str) -> None:
    """A test pack; ``tests__a`` is tests/a.py."""
    names = {"_stbt_conf": ".stbt.conf", "requirements": "requirements.txt", "pytest": "pytest.ini"}
    for name, text in files.items():
        file = pack / names.get(name, f"{name.replace('__', '/')}.py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


async def test_the_nodes_configuration_comes_before_the_packs_and_the_runs_before_both(agent: Agent) -> None:
    tags: dict[str, str | None] = {"jenkins/BUILD_URL": "http://ci/50%/x:1", "Nightly": None}
    told = await agent.run("settings.py::test_configuration", tags=tags, remote_control="roku")
    assert told.outcome.verdict is Verdict.PASS, told.outcome
    assert told.messages == [
        "model from the node",
        "colour blue",
        "tag http://ci/50%/x:1",
        "empty ''",
        "job /rig1/0000/7",
        "test tests/settings.py::test_configuration",
        "remote roku",
        "no such tag",
    ]


async def test_another_node_reads_only_the_packs_configuration(agent: Agent) -> None:
    told = await agent.run("settings.py::test_configuration", tags={"jenkins/BUILD_URL": "x"}, node="rig2")
    assert told.messages[0] == "model from the pack"


async def test_a_file_that_reads_its_configuration_when_imported_sees_that_of_its_own_task(
    agent: Agent,
) -> None:
    for tag in ("first", "first", "second"):
        told = await agent.run("configured.py::test_tag", tags={"tag": tag})
        assert told.said("tag") == tag


async def test_a_test_gets_nothing_of_the_agents_own(agent: Agent) -> None:
    told = await agent.run("settings.py::test_surroundings")
    assert told.outcome.verdict is Verdict.PASS, told.outcome
    assert told.said("stdin") == "''"
    assert told.said("unbuffered") == "1"
    assert told.said("secrets") == "[]"
    assert told.said("ours") == "[]"
    assert told.said("bytecode") == "True"
    assert told.said("prefix") != sys.prefix


async def test_tests_run_in_the_given_order_from_where_an_earlier_attempt_ended(agent: Agent) -> None:
    told = await agent.run(*(f"isolated.py::test_{name}" for name in ("two", "one", "random")), done=1)
    assert told.began == ["tests/isolated.py::test_one", "tests/isolated.py::test_random"]


async def test_a_task_that_runs_for_ever_repeats_its_tests_until_it_is_stopped(
    agent: Agent, told: Told
) -> None:
    told.on_log = lambda told: agent.stop.set("Stopped by ada.", 5) if len(told.began) == 6 else None
    names = ("output.py::test_two_threads", "isolated.py::test_random")
    await agent.run(*names, told=told, forever=True)
    assert told.began == [f"tests/{name}" for name in names] * 3


async def test_a_task_that_runs_for_ever_ends_when_none_of_its_tests_can_begin(agent: Agent) -> None:
    told = await agent.run("none.py::test_x", "syntax_error.py::test_never", forever=True)
    assert [outcome.verdict for _, outcome in told.results] == [Verdict.ERROR, Verdict.ERROR]


async def test_shuffling_takes_each_test_once_first(agent: Agent, told: Told) -> None:
    told.on_log = lambda told: agent.stop.set("Stopped by ada.", 5) if len(told.began) == 9 else None
    names = [f"verdicts.py::test_channel[{number}]" for number in (1, 2, 3)]
    await agent.run(*names, told=told, forever=True, shuffle=True)
    assert sorted(told.began[:3]) == sorted(f"tests/{name}" for name in names)
    assert len(told.began) == 9


async def test_the_processes_of_a_file_are_kept_for_the_next_task(agent: Agent, tmp_path: Path) -> None:
    agent.pack = tmp_path / "pack"
    write(agent.pack, tests__a="import os\ndef test_parent():\n    print('parent', os.getppid())\n")
    told = [await agent.run("a.py::test_parent", sha=sha) for sha in ("1", "1", "2", "", "")]
    parents = [each.said("parent") for each in told]
    assert parents[0] == parents[1]
    assert all(one != other for one, other in pairwise(parents[1:]))


async def test_a_pack_brings_what_it_requires_and_arguments_for_pytest(agent: Agent, tmp_path: Path) -> None:
    agent.pack = tmp_path / "pack"
    feature = "Feature: tuning\n  Scenario: BBC One\n    Given a box\n"
    write(
        agent.pack,
        _stbt_conf="[test_pack]\npytest = --cucumberjson=steps.json\n",
        requirements="pytest-bdd==8.1.0  # steps\nstbt_core==33.0.0\n",
        tests__bdd="from pytest_bdd import given, scenarios\nscenarios('tune.feature')\n"
        "@given('a box')\ndef box():\n    print('there is a box')\n",
    )
    (agent.pack / "tests" / "tune.feature").write_text(feature)
    for _ in range(2):
        told = await agent.run("bdd.py::test_bbc_one")
        assert told.outcome.verdict is Verdict.PASS, told.log_text
        assert b'"name": "BBC One"' in told.output["steps.json"]
        assert told.messages[-1] == "there is a box"


async def test_an_environment_that_cannot_be_made_is_an_error_of_every_test(
    agent: Agent, tmp_path: Path
) -> None:
    agent.pack, agent.cache = tmp_path / "pack", tmp_path / "cache"
    write(agent.pack, tests__a=SAYS, requirements="./no-such-folder\n")
    agent.cache.mkdir()
    told = await agent.run("a.py::test_says", "a.py::test_says")
    for (_, outcome), files in zip(told.results, told.files, strict=True):
        assert outcome.verdict is Verdict.ERROR
        assert outcome.reason is not None
        assert outcome.reason.startswith("The Python environment of the test pack could not be made: ")
        assert "no-such-folder" in outcome.reason
        assert outcome.traceback == ""
        assert b"no-such-folder" in files["combined.log"]


async def test_an_environment_is_made_once(agent: Agent) -> None:
    told = await agent.run("isolated.py::test_one")
    assert told.messages == ["torn down"]


async def test_configuration_that_cannot_be_read_is_an_error_of_every_test(
    agent: Agent, tmp_path: Path
) -> None:
    agent.pack = tmp_path / "pack"
    write(agent.pack, tests__a=SAYS, _stbt_conf="[test_pack]\nwatchdog_timeout = soon\n")
    told = await agent.run("a.py::test_says")
    assert told.outcome.reason is not None
    assert "'soon' is not a number above 0 (watchdog_timeout)" in told.outcome.reason


async def test_a_pytest_ini_for_the_authors_own_machine_does_not_send_tests_elsewhere(
    agent: Agent, tmp_path: Path
) -> None:
    agent.pack = tmp_path / "pack"
    ini = "[pytest]\naddopts = -p stbt_rig -p no:python --tb=no --capture=no\npython_files=*.py\n"
    write(agent.pack, tests__a=SAYS, pytest=ini)
    told = await agent.run("a.py::test_says")
    assert told.outcome.verdict is Verdict.PASS, told.log_text
    assert told.messages == ["hello"]


async def test_arguments_that_pytest_refuses_are_an_error(agent: Agent, tmp_path: Path) -> None:
    agent.pack = tmp_path / "pack"
    write(agent.pack, tests__a=SAYS, _stbt_conf="[test_pack]\npytest = --no-such-option\n")
    told = await agent.run("a.py::test_says")
    assert told.outcome.verdict is Verdict.ERROR
    assert "--no-such-option" in (told.outcome.reason or "")


async def test_the_registry_knows_the_executor(agent: Agent, tmp_path: Path, told: Told) -> None:
    assert {kind: executor.KIND for kind, executor in EXECUTORS.items()} == {kind: kind for kind in EXECUTORS}
    stop = StopFlag()
    stop.set("Stopped by ada.", 1)
    agent.stop = stop
    assert (await agent.run("a.py::test_says")).results == []
