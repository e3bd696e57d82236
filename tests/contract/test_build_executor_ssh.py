"""Builds whose actions run on other machines, by a real sshd."""

import asyncio
import os
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest
from building import DEBUG, ERROR, INFO, WARNING, Rig, is_alive, new_rig
from sshd import Sshd, free_port, new_key, sshd

from anyrig.core.build_spec import Source
from anyrig.core.extensions.ssh_exec import Host, Ssh
from anyrig.core.results import Verdict

PASS, FAIL, BROKEN = Verdict.PASS, Verdict.FAIL, Verdict.ERROR
LOCAL, OTHER = "127.0.0.1", "127.0.0.2"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, server: Sshd, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of an agent that knows the host."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text(server.known(LOCAL, OTHER))
    return tmp_path


@pytest.fixture
def rig(home: Path, server: Sshd) -> Rig:
    rig = new_rig(home)
    rig.stop.grace = 0.5
    use(rig, server)
    return rig


def use(rig: Rig, server: Sshd, *names: str, **options: object) -> None:
    hosts = tuple(Host(name, server.port) for name in names or (LOCAL,))
    given = {"hosts": hosts, "username": None, "password": None, "keys": (server.key,)}
    rig.set(elsewhere=Ssh(**{**given, "auto_add_unknown_hosts": False, **options}))  # type: ignore[arg-type]


def forget(home: Path) -> None:
    (home / ".ssh" / "known_hosts").unlink()


async def test_an_action_runs_on_the_host_with_its_params(rig: Rig, server: Sshd) -> None:
    rig.value(Source.WEBHOOK, branch="it's;touch pwned")
    rig.actions('echo "$SSH_CONNECTION"; echo {branch}; env | grep -E "^(ANYRIG|SLOTH)_" >&2; cat')
    told = await rig.run()
    assert told.verdict() == (PASS, None)
    stdout, stderr = told.messages(DEBUG)
    assert re.fullmatch(rf"stdout: 127.0.0.1 \d+ 127.0.0.1 {server.port}\nit's;touch pwned\n", stdout)
    variables = dict(line.split("=", 1) for line in stderr.removeprefix("stderr: ").splitlines())
    assert re.fullmatch("[0-9a-f]{32}", variables.pop("ANYRIG_ACTION"))
    assert variables == {
        "ANYRIG_JOB": "/rig1/0000/7",
        "ANYRIG_NODE": "rig1",
        "ANYRIG_PROJECT": "builds",
        "ANYRIG_TEST": "shop/web",
        "ANYRIG_PARAM_BRANCH": "it's;touch pwned",
        "SLOTH_PARAM_BRANCH": "it's;touch pwned",
    }
    assert [message for _, message in told.said()][-1] == "Finished"
    assert told.end() == (INFO, "Completed 1/1")


async def test_each_action_has_a_shell_of_its_own(rig: Rig) -> None:
    rig.actions("cd /; here=1", 'test "$(pwd)" = "$HOME" && echo "[$here]"', "echo {{", "# only a comment")
    told = await rig.run()
    assert told.messages(DEBUG)[2] == "stdout: []\n"
    assert told.end() == (INFO, "Completed 4/4")


async def test_an_exit_code_counts_and_the_host_is_named(rig: Rig, server: Sshd) -> None:
    rig.actions("echo out; echo err >&2; exit 3", "true")
    told = await rig.run()
    assert told.said()[1:4] == [
        (DEBUG, "stdout: out\n"),
        (DEBUG, "stderr: err\n"),
        (ERROR, f"Execution failed: 127.0.0.1:{server.port}: Exit code: 3"),
    ]
    assert told.end() == (WARNING, "Partially completed: 1/2")
    assert told.verdict()[0] is FAIL
    assert sorted((told.traceback() or "").splitlines()) == ["err", "out"]


async def test_every_action_runs_on_every_host(rig: Rig, server: Sshd) -> None:
    use(rig, server, LOCAL, OTHER)
    here = "set -- $SSH_CONNECTION; echo $3"
    rig.actions(here, f"{here}; test $3 != 127.0.0.1", "exit 4")
    told = await rig.run()
    where = "stdout: 127.0.0.1\n127.0.0.2\n"
    assert told.messages(DEBUG)[::2] == [where, where, "stdout: "]
    port = server.port
    assert told.messages(ERROR) == [
        f"Execution failed: 127.0.0.1:{port}: Exit code: 1",
        f"Execution failed: 127.0.0.1:{port}: Exit code: 4; 127.0.0.2:{port}: Exit code: 4",
    ]
    assert told.text().splitlines()[1:5] == [
        f"(On 127.0.0.1:{port}:)",
        "127.0.0.1",
        f"(On 127.0.0.2:{port}:)",
        "127.0.0.2",
    ]


async def test_output_is_logged_before_its_action_ends(rig: Rig, home: Path) -> None:
    rig.actions(f"echo one; echo two; while ! test -e {home}/go; do sleep 0.01; done; printf end")
    rig.told.on_log = lambda text: (home / "go").touch() if "\ntwo\n" in f"\n{text}" else None
    told = await rig.run()
    assert told.messages(DEBUG)[0] == "stdout: one\ntwo\nend"


async def test_an_action_that_takes_too_long_dies_with_all_that_it_has_started(
    rig: Rig, home: Path, server: Sshd
) -> None:
    away = f"(setsid sh -c 'trap \"\" TERM; echo $$ > {home}/away; while :; do sleep 60; done' &)"
    stays = f"trap '' TERM; echo $$ > {home}/stays"
    action = f"{away}; {stays}; echo begun; while :; do sleep 60; done"
    rig.actions(action, "echo next")
    rig.set(exec_timeout=2.0)
    told = await rig.run()
    for name in ("away", "stays"):
        assert not is_alive(int((home / name).read_text()))
    assert told.said()[1:4] == [
        (DEBUG, "begun\n"),
        (DEBUG, ""),
        (ERROR, f"Execution failed: 127.0.0.1:{server.port}: Command '{action}' timed out after 2 seconds"),
    ]
    assert told.end() == (WARNING, "Partially completed: 1/2")


async def test_a_stop_ends_the_action_on_its_host(rig: Rig, home: Path, server: Sshd) -> None:
    use(rig, server, LOCAL, OTHER)
    rig.actions(f"echo $$ > {home}/pid; echo here; exec sleep 60", "echo never")
    rig.told.on_log = lambda text: rig.stop.set("Stopped by ada.", 0.2) if "\nhere\n" in f"\n{text}" else None
    told = await rig.run()
    assert not is_alive(int((home / "pid").read_text()))
    assert told.verdict() == (BROKEN, "Stopped by ada.")
    assert told.end() == (ERROR, "Build failed")
    assert told.messages(DEBUG) == ["stdout: here\n", "stderr: "]


async def test_a_stop_between_two_hosts_ends_the_build(rig: Rig, server: Sshd) -> None:
    use(rig, server, LOCAL, OTHER)
    rig.actions("set -- $SSH_CONNECTION; echo on $3")
    rig.told.on_log = lambda text: rig.stop.set("Stopped by ada.", 0.2) if "(On 127.0.0.2" in text else None
    told = await rig.run()
    assert told.verdict() == (BROKEN, "Stopped by ada.")
    assert "on 127.0.0.2" not in told.text()


async def test_what_an_action_leaves_in_the_background_does_not_hold_it_up(rig: Rig, home: Path) -> None:
    """A server that is started by a build is to stay, even if time is up before its output ends."""
    rig.set(exec_timeout=1.5)
    rig.actions(f"sleep 60 & echo $! > {home}/pid; echo started")
    began = time.monotonic()
    told = await rig.run()
    pid = int((home / "pid").read_text())
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)
    assert time.monotonic() - began < 20
    assert told.verdict() == (PASS, None)
    assert told.messages(DEBUG)[0] == "stdout: started\n"


async def test_the_folder_to_work_in_is_on_the_host(rig: Rig, home: Path) -> None:
    (home / "a folder").mkdir()
    rig.actions("pwd")
    rig.set(work_dir=str(home / "a folder"))
    assert (await rig.run()).messages(DEBUG)[0] == f"stdout: {home}/a folder\n"


async def test_a_folder_below_the_hosts_home_is_found_there(rig: Rig, home: Path) -> None:
    rig.actions('test "$(pwd -P)" = "$(cd "$HOME" && pwd -P)" && test "$HOME" != ' + str(home))
    rig.set(work_dir="~/.")
    assert (await rig.run()).verdict() == (PASS, None)


async def test_a_folder_that_is_not_there_breaks_the_action(rig: Rig, home: Path) -> None:
    rig.actions("echo never")
    rig.set(work_dir=str(home / "missing"))
    told = await rig.run()
    assert told.verdict()[0] is BROKEN
    assert f"{home}/missing" in told.messages(DEBUG)[1]
    assert "never\n" not in told.text().splitlines()[1:]


async def test_secrets_are_not_seen_among_the_hosts_processes(rig: Rig, server: Sshd) -> None:
    rig.value(Source.CONFIG, password="hunter2-hunter2")
    rig.secret = frozenset({"password"})
    seen = "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f 2>/dev/null | grep -c hunter[2]-; done"
    rig.actions(f"x={{password}}; {seen} | grep -v 0; printf %s $x | wc -c")
    told = await rig.run()
    assert told.messages(DEBUG)[0] == "stdout: 15\n"
    assert "hunter" not in told.text().replace("hunter[2]-", "")


async def test_a_host_that_is_not_known_is_not_spoken_to(rig: Rig, home: Path, server: Sshd) -> None:
    forget(home)
    rig.actions("echo never")
    told = await rig.run()
    assert told.said() == [
        (INFO, "Executing action: echo never"),
        (
            ERROR,
            f"Execution failed: 127.0.0.1:{server.port}: Host key is not trusted for host 127.0.0.1",
        ),
    ]
    assert told.verdict()[0] is BROKEN
    assert told.end() == (WARNING, "None completed: 0/1")


async def test_a_host_can_be_taken_on_trust_and_is_known_from_then_on(
    rig: Rig, home: Path, server: Sshd
) -> None:
    forget(home)
    use(rig, server, auto_add_unknown_hosts=True)
    rig.actions("true")
    assert (await rig.run()).verdict() == (PASS, None)
    known = rig.workspace.cache / "ssh" / "known_hosts"
    assert known.read_text().split() == server.known(LOCAL).split()[:3]
    use(rig, server)
    assert (await rig.run()).results[1][1].verdict is PASS
    assert len(known.read_text().splitlines()) == 1


async def test_a_host_with_another_key_than_before_is_not_taken_on_trust(
    rig: Rig, home: Path, server: Sshd
) -> None:
    new_key(home / "other")
    key = (home / "other.pub").read_text()
    (home / ".ssh" / "known_hosts").write_text(f"[{LOCAL}]:{server.port} {key}")
    use(rig, server, auto_add_unknown_hosts=True)
    rig.actions("true")
    assert "Host key is not trusted" in (await rig.run()).messages(ERROR)[0]
    assert not (rig.workspace.cache / "ssh").exists()


async def test_a_host_that_does_not_listen_breaks_the_action(rig: Rig) -> None:
    port = free_port()
    use(rig, Sshd(port, Path(rig.workspace.scratch)), keys=())
    rig.actions("true", "true")
    told = await rig.run()
    assert (
        told.messages(ERROR)
        == [f"Execution failed: 127.0.0.1:{port}: [Errno 111] Connect call failed ('127.0.0.1', {port})"] * 2
    )
    assert told.verdict()[0] is BROKEN


async def test_a_user_who_may_not_come_in_breaks_the_action(rig: Rig, home: Path, server: Sshd) -> None:
    new_key(home / "stranger")
    use(rig, server, username="nobody", keys=(str(home / "stranger"),))
    rig.actions("true")
    assert "Permission denied for user nobody" in (await rig.run()).messages(ERROR)[0]


@pytest.mark.parametrize(
    ("text", "words"), [(None, "No such file or directory"), ("x", "Invalid private key")]
)
async def test_a_key_that_cannot_be_used_breaks_the_action(
    rig: Rig, home: Path, server: Sshd, text: str | None, words: str
) -> None:
    if text:
        (home / "key").write_text(text)
    use(rig, server, keys=("~/key",))
    rig.actions("true")
    assert words in (await rig.run()).messages(ERROR)[0]


async def test_a_stop_ends_the_wait_for_a_host_that_says_nothing(rig: Rig) -> None:
    async with asyncio.TaskGroup() as group:
        with socket.create_server((LOCAL, 0)) as silent:
            silent.setblocking(False)
            use(rig, Sshd(silent.getsockname()[1], rig.workspace.scratch), keys=())
            rig.actions("true")
            running = group.create_task(rig.run())
            connected, _ = await asyncio.get_running_loop().sock_accept(silent)
            rig.stop.set("Stopped by ada.", 0.2)
            told = await running
            connected.close()
    assert told.verdict() == (BROKEN, "Stopped by ada.")


async def test_a_key_of_the_agents_user_is_tried_if_none_is_given(rig: Rig, home: Path, server: Sshd) -> None:
    (home / ".ssh" / "id_ed25519").symlink_to(server.key)
    use(rig, server, keys=())
    rig.actions("true")
    assert (await rig.run()).verdict() == (PASS, None)


class PasswordServer(asyncssh.SSHServer):
    """Knows one user."""

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - it is asyncssh that asks
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("ada", "hunter2-hunter2")


@asynccontextmanager
async def other_server(home: Path, end: str) -> AsyncIterator[Sshd]:
    """A server of another make, which ends what it is asked to run in some way."""

    async def handle(process: asyncssh.SSHServerProcess[bytes]) -> None:
        await process.stdin.read()
        process.stdout.write(b"hello\n")
        if end == "lost":
            process.get_extra_info("connection").abort()
        elif end == "killed":
            process.exit_with_signal("KILL")
        else:
            process.exit(0)

    new_key(home / "host_key")
    listener = await asyncssh.listen(
        *(LOCAL, 0),
        server_factory=PasswordServer,
        server_host_keys=[str(home / "host_key")],
        process_factory=handle,
        encoding=None,
    )
    server = Sshd(listener.get_port(), home)
    (home / ".ssh" / "known_hosts").write_text(server.known(LOCAL))
    async with listener:
        yield server


@pytest.mark.parametrize(
    ("end", "why"),
    [("well", ""), ("killed", "Exit code: -9"), ("lost", "the connection was lost")],
)
async def test_a_password_lets_us_in_and_every_end_is_told(rig: Rig, home: Path, end: str, why: str) -> None:
    async with other_server(home, end) as server:
        use(rig, server, username="ada", password="hunter2-hunter2", keys=())
        rig.actions("true")
        told = await rig.run()
    expected = [f"Execution failed: 127.0.0.1:{server.port}: {why}"] if why else []
    assert told.messages(ERROR) == expected
    assert told.messages(DEBUG) == ["stdout: hello\n", "stderr: "]


async def test_a_wrong_password_is_said_and_not_shown(rig: Rig, home: Path) -> None:
    async with other_server(home, "well") as server:
        use(rig, server, username="ada", password="wrong-wrong", keys=())
        rig.actions("echo wrong-wrong")
        told = await rig.run()
    assert "Permission denied for user ada" in told.messages(ERROR)[0]
    assert "wrong-wrong" not in repr(told)


async def test_a_connection_that_was_lost_is_made_again(rig: Rig, home: Path) -> None:
    async with other_server(home, "lost") as server:
        use(rig, server, username="ada", password="hunter2-hunter2", keys=())
        rig.actions("true", "true")
        told = await rig.run()
    assert told.messages(DEBUG)[::2] == ["stdout: hello\n"] * 2
