"""Runs git: without prompts, apart from the caller's environment, and never without a deadline."""

import asyncio
import os
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

QUICK = 20.0
"""Seconds that a command may take which reads only this machine's disk."""
_GRACE = 2.0
_KEPT = ("GIT_SSH", "GIT_SSL", "GIT_PROXY", "GIT_EXEC_PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM")
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")
_VERDICT = re.compile(r"^(?:fatal|error|remote): *(?:error: *|fatal: *)?(.+)$", re.MULTILINE)


class GitFailed(Exception):
    """Git did not do it; ``str()`` says why. Stays inside this package."""


@dataclass(frozen=True, slots=True)
class Done:
    """A git command that has ended. ``code`` is its exit status, -1 when the deadline passed."""

    code: int
    out: bytes
    err: str

    @property
    def reason(self) -> str:
        """What git complained of, in one line and without any password."""
        said = _VERDICT.findall(self.err) or self.err.strip().splitlines()[-1:]
        return _PASSWORD.sub("", said[0].strip()) if said else f"git ended with status {self.code}"


def environment(
    config: Mapping[str, str] | None = None, *, alone: bool = True, **more: str
) -> dict[str, str]:
    """The environment for a git process.

    ``config`` goes in as ``GIT_CONFIG_*`` variables, so that no secret stands on a command line or in a file.
    With ``alone`` neither the user's nor the machine's git configuration counts; whatever speaks to a foreign
    server needs them (proxies, certificates, credential helpers). The owner of a folder is not checked: which
    folders are used is the operator's decision already.
    """
    env = {
        key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key.startswith(_KEPT)
    }
    env |= {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GCM_INTERACTIVE": "never",
        "SSH_ASKPASS_REQUIRE": "never",
    }
    env |= {"GIT_ALLOW_PROTOCOL": "http:https:ssh:git:file"}
    env.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=10")
    if alone:
        env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    settings = {"safe.directory": "*", **(config or {})}
    for number, (key, value) in enumerate(settings.items()):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env | {"GIT_CONFIG_COUNT": str(len(settings))} | more


async def start(*command: str, env: Mapping[str, str], stderr: int = DEVNULL) -> Process:
    """Start a program in a process group of its own, with pipes for stdin and stdout.

    Raises:
        GitFailed: It cannot be started.
    """
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=stderr, env=env, start_new_session=True
        )
    except OSError as error:
        raise GitFailed(f"{command[0]} cannot be started: {error.strerror}") from error


async def end(process: Process) -> None:
    """End a process started by ``start`` and its whole group. Does nothing when it has ended by itself.

    First by SIGTERM, on which git removes its temporary files. No task may be reading its pipes any more.
    """
    if process.returncode is not None:
        return
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await process.communicate()
                return


async def run(*arguments: str | Path, env: Mapping[str, str], deadline: float = QUICK) -> Done:
    """Run ``git`` and wait for its end, at most ``deadline`` seconds.

    Raises:
        GitFailed: There is no git.
    """
    words = [str(argument) for argument in arguments]
    process = await start("git", *words, env=env, stderr=PIPE)
    try:
        async with asyncio.timeout(deadline):
            if process.stdin is not None:
                process.stdin.close()  # communicate(b"") would write, which uvloop refuses once git has ended
            out, err = await process.communicate()
    except TimeoutError:
        return Done(-1, b"", f"git took longer than {deadline:g} s")
    finally:
        await end(process)
    return Done(process.returncode or 0, out, err.decode(errors="replace"))


async def must(*arguments: str | Path, env: Mapping[str, str], deadline: float = QUICK) -> str:
    """Run ``git`` and give its output, without the newline at the end.

    Raises:
        GitFailed: It did not end with status 0 in time.
    """
    done = await run(*arguments, env=env, deadline=deadline)
    if done.code:
        raise GitFailed(done.reason)
    return done.out.decode(errors="replace").removesuffix("\n")
