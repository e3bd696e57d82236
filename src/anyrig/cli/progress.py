"""Shows a job while it runs: with colours on a terminal, line by line elsewhere, or not at all."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from anyrig.cli import output, words
from anyrig.cli.events import Event

Json = dict[str, Any]


class Progress(Protocol):
    """Takes the events of a job."""

    def show(self, event: Event) -> None: ...


class Silent:
    """For ``--json``: only the outcome is printed."""

    def show(self, event: Event) -> None:
        """Nothing."""


class Lines:
    """One line for whatever has changed."""

    def __init__(self, job: Json, *, log: bool) -> None:
        self._job = job
        self._log = log
        self._said = ""

    def show(self, event: Event) -> None:
        match event.name:
            case "log" if self._log:
                output.raw(event.data["text"].encode())
            case "result":
                output.line(words.result_line(self._job, event.data))
            case "state" if (said := words.standing(event.data)) not in {"", self._said}:
                self._said = said
                output.line(said)


def progress(job: Json, *, log: bool, silent: bool) -> AbstractContextManager[Progress]:
    """What fits the place that is written to."""
    if silent:
        return nullcontext(Silent())
    if not output.is_terminal():
        return nullcontext(Lines(job, log=log))
    from anyrig.cli.terminal import Terminal  # noqa: PLC0415 - rich takes time to load

    return Terminal(job, log=log)
