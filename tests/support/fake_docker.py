"""A program that stands for ``docker``: images and containers are folders in which it runs commands.

Writes its arguments, one JSON list a line, to ``calls`` in the folder ``$FAKE_DOCKER``.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(os.environ.get("FAKE_DOCKER", "."))
VALUED = {
    "--name",
    "--label",
    "--memory",
    "--cpu-shares",
    "--entrypoint",
    "--env",
    "--change",
    "--tag",
    "--format",
}
FLAGS = {"--force", "--volumes"}


def image(name: str) -> Path:
    return ROOT / "images" / name.replace("/", "%")


def container(name: str) -> Path:
    return ROOT / "containers" / name


def parsed(words: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Options and what is behind them."""
    options: dict[str, list[str]] = {}
    left = list(words)
    while left and left[0].startswith("--"):
        name = left.pop(0)
        if name not in FLAGS and name not in VALUED:
            sys.exit(f"unknown flag: {name}")
        options.setdefault(name, []).append("" if name in FLAGS else left.pop(0))
    return options, left


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def run(options: dict[str, list[str]], words: list[str]) -> int:
    (name,) = options["--name"]
    if not image(words[0]).exists():
        complain(f"Unable to find image '{words[0]}' locally")
        return 125
    shutil.copytree(image(words[0]), container(name))
    environ = {variable: os.environ[variable] for variable in options["--env"]}
    argv = [*options["--entrypoint"], *words[1:]]
    code = subprocess.run(argv, cwd=container(name), env=environ, check=False).returncode
    container(f"{name}.code").write_text(str(code))
    return code


def version(_options: dict[str, list[str]], _words: list[str]) -> int:
    if (ROOT / "away").exists():
        complain("Cannot connect to the Docker daemon at unix:///x. Is it running?")
        return 1
    say("27.0")
    return 0


def commit(options: dict[str, list[str]], words: list[str]) -> int:
    if (ROOT / "full").exists():
        complain("no space left on device")
        return 1
    shutil.rmtree(image(words[1]), ignore_errors=True)
    shutil.copytree(container(words[0]), image(words[1]))
    (ROOT / "changes").write_text(json.dumps(options["--change"]))
    say("sha256:0000")
    return 0


def rm(_options: dict[str, list[str]], words: list[str]) -> int:
    shutil.rmtree(container(words[0]), ignore_errors=True)
    return 0


def build(options: dict[str, list[str]], words: list[str]) -> int:
    say("Step 1/1")
    if (ROOT / "slow").exists():
        signal.pause()
    if not Path(words[0], "Dockerfile").exists():
        complain("unable to prepare context")
        return 1
    image(options["--tag"][0]).mkdir()
    return 0


def of_image(_options: dict[str, list[str]], words: list[str]) -> int:
    what, left = words[0], parsed(words[1:])[1]
    if not image(left[0]).exists():
        complain(f"No such image: {left[0]}")
        return 1
    if what == "rm":
        shutil.rmtree(image(left[0]))
    return 0


def of_container(_options: dict[str, list[str]], words: list[str]) -> int:
    file = container(f"{words[-1]}.code")
    say(file.read_text() if file.exists() else "[]")
    return 0


def main() -> int:
    words = sys.argv[1:]
    with (ROOT / "calls").open("a") as calls:
        calls.write(json.dumps(words) + "\n")
    if words[0] == "--host":
        words = words[2:]
    commands = {
        "version": version,
        "run": run,
        "commit": commit,
        "rm": rm,
        "build": build,
        "image": of_image,
        "container": of_container,
    }
    return commands[words[0]](*parsed(words[1:]))


if __name__ == "__main__":
    sys.exit(main())
