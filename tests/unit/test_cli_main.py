"""The command line itself: help, versions and what it does not understand."""

import sys

import pytest
import typer

from anyrig.cli.main import COMMANDS, app, command_named


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert app(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in COMMANDS)


def test_help_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    app(["--help"])
    assert "..." not in capsys.readouterr().out.partition("Commands:")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app([name, "--help"]) == 0
    assert f"Usage: anyrig {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_a_function_or_a_group_in_a_module_of_its_name(name: str) -> None:
    command = command_named(name)
    assert callable(command)
    assert isinstance(command, typer.Typer) or command.__doc__


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert app(["--version"]) == 0
    assert capsys.readouterr().out.startswith("anyrig 0.")


@pytest.mark.parametrize(
    "argv",
    [
        ["rn"],
        ["run", "--nonsense"],
        ["run"],
        ["jobs", "--stop"],
        ["logs"],
        ["logs", "x"],
        ["token", "create"],
    ],
)
def test_wrong_usage_is_2_and_says_so_on_stderr(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert app(argv) == 2
    said = capsys.readouterr()
    assert said.err
    assert not said.out


def test_a_misspelt_command_is_recognised(capsys: pytest.CaptureFixture[str]) -> None:
    app(["rn"])
    assert "Did you mean 'run'?" in capsys.readouterr().err


def test_no_arguments_print_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    app([])
    said = capsys.readouterr()
    assert "Usage: anyrig" in said.out + said.err


def test_help_does_not_wait_for_what_it_does_not_need() -> None:
    """In a process of its own, because the other tests have loaded everything."""
    import subprocess  # noqa: PLC0415 - only here

    code = "import sys; from anyrig.cli.main import app; app(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.rpartition("\n")[0].rpartition("\n")[2].split())
    assert "typer" in loaded
    assert not loaded & {"httpx", "fastapi", "sqlalchemy", "nats", "pydantic", "asyncio", "rich.console"}
