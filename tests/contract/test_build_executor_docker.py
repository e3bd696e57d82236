"""Builds whose actions run in containers: what is asked of ``docker``, by a program that stands for it."""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import fake_docker
import pytest
from building import DEBUG, ERROR, INFO, SPEC, WARNING, Rig, new_rig

from anyrig.core.build_spec import Source
from anyrig.core.extensions.docker_exec import Docker
from anyrig.core.results import Verdict

PASS, FAIL, BROKEN = Verdict.PASS, Verdict.FAIL, Verdict.ERROR
CONTAINER, TAG = "anyrig-shop-web-97375646", "anyrig/shop-web-97375646:latest"
SCRIPT = 'eval "unset ANYRIG_COMMAND\n$ANYRIG_COMMAND"'
OURS = ("ANYRIG_JOB", "ANYRIG_NODE", "ANYRIG_PROJECT", "ANYRIG_TEST")


@dataclass
class Engine:
    """What the program has been asked, and the folders in which it works."""

    root: Path

    def image(self, name: str = "python:3") -> Path:
        folder = self.root / "images" / name.replace("/", "%")
        folder.mkdir(exist_ok=True)
        return folder

    def images(self) -> list[str]:
        return sorted(path.name.replace("%", "/") for path in (self.root / "images").iterdir())

    def containers(self) -> list[str]:
        return [path.name for path in (self.root / "containers").iterdir() if path.is_dir()]

    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.root / "calls").read_text().splitlines()]

    def called(self) -> list[str]:
        return [" ".join(call[:2]) if call[0] in {"image", "container"} else call[0] for call in self.calls()]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    root = tmp_path / "docker"
    for name in ("bin", "images", "containers"):
        (root / name).mkdir(parents=True)
    program = root / "bin" / "docker"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {fake_docker.__file__} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE_DOCKER", str(root))
    return Engine(root)


@pytest.fixture
def rig(engine: Engine, tmp_path: Path) -> Rig:
    rig = new_rig(tmp_path)
    rig.stop.grace = 0.2
    use(rig)
    engine.image()
    return rig


def use(rig: Rig, **options: object) -> None:
    given = {"image": "python:3", "base_url": None, "path_to_dockerfile": None, "memory_limit": None}
    rig.set(elsewhere=Docker(**{**given, "cpu_share": None, **options}))  # type: ignore[arg-type]


async def test_an_action_runs_in_a_container_of_the_image(rig: Rig, engine: Engine) -> None:
    rig.value(Source.TRIGGER, branch="a b")
    rig.actions("echo {branch}; echo oh >&2; env; echo [$ANYRIG_COMMAND]")
    told = await rig.run()
    assert told.verdict() == (PASS, None)
    assert told.end() == (INFO, "Completed 1/1")
    stdout, stderr = told.messages(DEBUG)
    lines = stdout.removeprefix("stdout: ").splitlines()
    assert (lines[0], lines[-1], stderr) == ("a b", "[]", "stderr: oh\n")
    assert {line for line in lines if line.startswith(("ANYRIG_", "SLOTH_"))} == {
        *("ANYRIG_PARAM_BRANCH=a b", "SLOTH_PARAM_BRANCH=a b", "ANYRIG_JOB=/rig1/0000/7"),
        *("ANYRIG_NODE=rig1", "ANYRIG_PROJECT=builds", "ANYRIG_TEST=shop/web"),
    }


async def test_docker_is_asked_for_one_thing_after_the_other(rig: Rig, engine: Engine) -> None:
    rig.value(Source.TRIGGER, x="1")
    use(rig, base_url="tcp://engine:2375", memory_limit="512m", cpu_share=512)
    rig.actions("true")
    await rig.run()
    variables = ["SLOTH_PARAM_X", "ANYRIG_PARAM_X", *OURS, "ANYRIG_COMMAND"]
    asked = [
        ["version", "--format", "{{.Server.Version}}"],
        ["rm", "--force", "--volumes", CONTAINER],
        ["image", "rm", TAG],
        [
            *("run", "--name", CONTAINER, "--label", "anyrig.job=/rig1/0000/7"),
            *("--memory", "512m", "--cpu-shares", "512"),
            *(word for name in variables for word in ("--env", name)),
            *("--entrypoint", "/bin/sh", "python:3", "-c", SCRIPT),
        ],
        [
            "commit",
            *(word for name in variables for word in ("--change", f"ENV {name}=")),
            *(CONTAINER, TAG),
        ],
        ["rm", "--force", "--volumes", CONTAINER],
    ]
    assert engine.calls() == [["--host", "tcp://engine:2375", *words] for words in asked]


async def test_what_an_action_changes_is_there_for_the_next_and_not_for_the_next_run(
    rig: Rig, engine: Engine
) -> None:
    (engine.image() / "given").write_text("from the image")
    rig.actions("test ! -e made; cat given; echo new > given; touch made; exit 3", "cat given; rm given")
    for _ in range(2):
        told = await rig.run()
        assert told.messages(DEBUG)[-4::2] == ["stdout: from the image", "stdout: new\n"]
        assert engine.images() == [TAG, "python:3"]
        assert [path.name for path in engine.image().iterdir()] == ["given"]
        assert [path.name for path in engine.image(TAG).iterdir()] == ["made"]
    assert engine.containers() == []


async def test_two_tests_never_share_an_image(rig: Rig, engine: Engine) -> None:
    rig.actions("true")
    for test in ("shop", "shop/web", "shop-web", "Shop", "/é/"):
        rig.spec = replace(SPEC, tests=(test,))
        await rig.run()
    tags = [name for name in engine.images() if name.startswith("anyrig/")]
    assert len(tags) == 5
    assert {"anyrig/shop:latest", "anyrig/shop-web:latest"} < set(tags)


async def test_an_exit_code_counts(rig: Rig) -> None:
    rig.actions("echo why >&2; exit 3", "true")
    told = await rig.run()
    assert told.messages(ERROR) == ["Execution failed: Exit code: 3"]
    assert told.end() == (WARNING, "Partially completed: 1/2")
    assert told.verdict() == (FAIL, 'Partially completed: 1/2. "echo why >&2; exit 3" failed: Exit code: 3')


async def test_output_is_logged_before_its_action_ends(rig: Rig, tmp_path: Path) -> None:
    rig.actions(f"echo one; echo two; while ! test -e {tmp_path}/go; do sleep 0.01; done; echo end")
    rig.told.on_log = lambda text: (tmp_path / "go").touch() if "\ntwo\n" in f"\n{text}" else None
    assert (await rig.run()).messages(DEBUG)[0] == "stdout: one\ntwo\nend\n"


async def test_a_container_is_removed_when_its_action_takes_too_long(rig: Rig, engine: Engine) -> None:
    rig.actions("echo begun; exec sleep 60", "true")
    rig.set(exec_timeout=2.0)
    told = await rig.run()
    words = "Command 'echo begun; exec sleep 60' timed out after 2 seconds"
    assert told.messages(ERROR) == [f"Execution failed: {words}"]
    assert told.messages(DEBUG)[:2] == ["begun\n", ""]
    assert engine.called() == [*("version", "rm", "image rm"), *("run", "rm"), *("run", "commit", "rm")]


async def test_a_container_is_removed_when_the_build_is_stopped(rig: Rig, engine: Engine) -> None:
    rig.actions("echo here; exec sleep 60", "echo never")
    rig.told.on_log = lambda text: rig.stop.set("Stopped by ada.", 0.2) if "\nhere\n" in f"\n{text}" else None
    told = await rig.run()
    assert told.verdict() == (BROKEN, "Stopped by ada.")
    assert told.end() == (ERROR, "Build failed")
    assert engine.called()[-2:] == ["run", "rm"]
    assert engine.containers() == []


async def test_the_folder_to_work_in_is_in_the_container(rig: Rig, engine: Engine) -> None:
    (engine.image() / "a folder").mkdir()
    rig.set(work_dir="a folder")
    rig.actions("basename $(pwd)/*; pwd | sed 's:.*/::'")
    assert (await rig.run()).messages(DEBUG)[0].endswith("\na folder\n")


async def test_a_folder_that_the_container_lacks_breaks_the_action(rig: Rig) -> None:
    rig.set(work_dir="/no/such")
    rig.actions("echo never")
    told = await rig.run()
    assert told.verdict()[0] is BROKEN
    assert "/no/such" in told.messages(DEBUG)[1]
    assert "never" not in told.text().splitlines()


async def test_the_values_of_params_are_not_in_the_image_or_its_history(rig: Rig, engine: Engine) -> None:
    rig.value(Source.CONFIG, password="hunter2-hunter2")
    rig.secret = frozenset({"password"})
    rig.actions("printf %s {password} | wc -c")
    told = await rig.run()
    assert told.messages(DEBUG)[0] == "stdout: 15\n"
    assert "hunter2" not in repr(engine.calls()) + told.text() + repr(told.records)
    assert '"ENV SLOTH_PARAM_PASSWORD="' in (engine.root / "changes").read_text()


async def test_an_image_that_is_missing_breaks_the_action(rig: Rig, engine: Engine) -> None:
    use(rig, image="nope")
    rig.actions("echo never")
    told = await rig.run()
    assert told.messages(ERROR) == ["Execution failed: Docker could not run a container of the image nope"]
    assert "Unable to find image 'nope' locally" in told.text()
    assert told.verdict()[0] is BROKEN
    assert "commit" not in engine.called()


async def test_an_action_may_have_the_exit_code_that_docker_uses_for_its_own_failures(rig: Rig) -> None:
    rig.actions("exit 125")
    told = await rig.run()
    assert told.messages(ERROR) == ["Execution failed: Exit code: 125"]
    assert told.verdict()[0] is FAIL


async def test_what_cannot_be_kept_breaks_the_action(rig: Rig, engine: Engine) -> None:
    (engine.root / "full").touch()
    rig.actions("echo done")
    told = await rig.run()
    words = "Docker could not keep what the action has changed: no space left on device"
    assert told.messages(ERROR) == [f"Execution failed: {words}"]
    assert told.messages(DEBUG)[0] == "stdout: done\n"


async def test_an_image_is_built_if_it_is_missing(rig: Rig, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").touch()
    use(rig, image="mine", path_to_dockerfile=str(tmp_path))
    rig.actions("echo in it")
    told = await rig.run()
    assert told.messages(DEBUG)[0] == "stdout: in it\n"
    assert ["build", "--tag", "mine", str(tmp_path)] in engine.calls()
    assert "Step 1/1" in told.text().splitlines()
    await rig.run()
    assert engine.called().count("build") == 1


async def test_an_image_that_cannot_be_built_breaks_all_actions(
    rig: Rig, engine: Engine, tmp_path: Path
) -> None:
    use(rig, image="mine", path_to_dockerfile=str(tmp_path))
    rig.actions("echo never", "echo never")
    told = await rig.run()
    words = "Docker could not build the image mine: unable to prepare context"
    assert told.messages(ERROR) == [f"Execution failed: {words}"] * 2
    assert engine.called().count("build") == 1
    assert "run" not in engine.called()


async def test_a_stop_ends_the_building_of_an_image(rig: Rig, engine: Engine, tmp_path: Path) -> None:
    (engine.root / "slow").touch()
    use(rig, image="mine", path_to_dockerfile=str(tmp_path))
    rig.actions("echo never")
    rig.told.on_log = lambda text: rig.stop.set("Stopped by ada.", 0.2) if "Step 1/1" in text else None
    told = await rig.run()
    assert told.verdict() == (BROKEN, "Stopped by ada.")
    assert engine.called()[-1] == "build"


async def test_nothing_runs_here_when_docker_does_not_answer(
    rig: Rig, engine: Engine, tmp_path: Path
) -> None:
    (engine.root / "away").touch()
    rig.actions(f"touch {tmp_path}/here", "true")
    told = await rig.run()
    words = "Docker does not answer: Cannot connect to the Docker daemon at unix:///x. Is it running?"
    assert told.messages(ERROR) == [f"Execution failed: {words}"] * 2
    assert told.end() == (WARNING, "None completed: 0/2")
    assert told.verdict()[0] is BROKEN
    assert engine.called() == ["version"]
    assert not (tmp_path / "here").exists()


async def test_nothing_runs_here_when_there_is_no_docker(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    rig.actions(f"touch {tmp_path}/here")
    told = await rig.run()
    words = "the agent's machine has no command docker (No such file or directory: docker)"
    assert told.messages(ERROR) == [f"Execution failed: {words}"]
    assert told.verdict()[0] is BROKEN
    assert not (tmp_path / "here").exists()
