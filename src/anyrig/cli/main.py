"""``anyrig``: finds the command, runs it, and turns what it says into an exit code."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from importlib import import_module
from keyword import iskeyword
from typing import Annotated, Any

import typer

from anyrig import __version__
from anyrig.cli import output
from anyrig.cli.exits import Refused, exit_code
from anyrig.core.errors import AnyrigError

COMMANDS: dict[str, str] = {
    "up": "Run everything on one machine.",
    "server": "Run a server alone; agents come from elsewhere.",
    "agent": "Serve the nodes of this machine to a server.",
    "run": "Run tests and wait for their results.",
    "jobs": "List jobs, look at one, or stop it.",
    "results": "Find results.",
    "logs": "Print the log of a job.",
    "nodes": "List nodes and what they are doing.",
    "reserve": "Keep nodes for yourself.",
    "screenshot": "Save what is on a node's screen.",
    "press": "Press keys on a node's device.",
    "tests": "List the tests that a project has.",
    "project": "Add, list and fetch projects.",
    "token": "Create, list and revoke access tokens.",
    "import": "Bring users and tests of other products.",
    "db": "Look after the database and the files of results.",
    "demo": "Start a lab here and run example tests of every kind.",
}
"""Each is a module of ``anyrig.cli.commands`` with a function, or a Typer of several, of the same name."""


def app(argv: Sequence[str]) -> int:
    """Run the command that the arguments name; returns the exit code."""
    chosen = next((word for word in argv if not word.startswith("-")), None)
    try:
        _cli(chosen)(list(argv), prog_name="anyrig")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def _cli(chosen: str | None) -> typer.Typer:
    """All commands by name, but only the chosen one with what it needs: the others would take time."""
    cli = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Any test, on any rig, from any client.",
        epilog="Clients read ANYRIG_URL (http://127.0.0.1:8000 if it is not set) and ANYRIG_TOKEN.",
    )
    cli.callback()(_top)
    for name, summary in COMMANDS.items():
        if name == chosen:
            _add(cli, name, command_named(name))
        else:
            cli.command(name, help=summary)(_nothing)
    return cli


def command_named(name: str) -> Any:
    """A function, or a Typer of several; behind its name is an underscore where Python has it for itself."""
    plain = f"{name}_" if iskeyword(name) else name
    return getattr(import_module(f"anyrig.cli.commands.{plain}"), plain)


def _add(cli: typer.Typer, name: str, command: Callable[..., int] | typer.Typer) -> None:
    if not isinstance(command, typer.Typer):
        cli.command(name)(_ending(command))
        return
    for each in command.registered_commands:
        each.callback = _ending(each.callback) if each.callback else None
    cli.add_typer(command, name=name)


def _ending(command: Callable[..., int]) -> Callable[..., None]:
    """The command with its exit code, or the one of its error, as Typer wants it."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            code = command(*args, **kwargs)
        except (AnyrigError, Refused) as error:
            output.error(str(error))
            code = exit_code(error)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        raise typer.Exit(code)

    return run


def _nothing() -> None:
    pass


def _show_version(wanted: bool) -> None:
    if wanted:
        output.line(f"anyrig {__version__}")
        raise typer.Exit


def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
