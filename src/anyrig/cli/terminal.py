"""Shows a job on a terminal: results as they come, and below them a line with where it is."""

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from anyrig.cli import output, words
from anyrig.cli.events import Event
from anyrig.core.wording import duration_text

Json = dict[str, Any]
_MARKS = {"pass": "✔", "fail": "✘", "error": "!"}


class Terminal:
    """See ``progress.Progress``."""

    def __init__(self, job: Json, *, log: bool) -> None:
        self._job = job
        self._log = log
        self._console = Console(highlight=False)
        total = None if job["forever"] else job["counts"]["total"]
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._row = self._bar.add_task("Waiting.", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, event: Event) -> None:
        match event.name:
            case "log" if self._log:
                self._console.print(Text(event.data["text"].rstrip("\n"), style="dim"))
            case "result":
                self._show_result(event.data)
            case "state":
                self._show_state(event.data)

    def _show_result(self, result: Json) -> None:
        verdict = result["verdict"]
        style = output.STYLES.get(verdict, "")
        line = Text.assemble(
            (f"{_MARKS.get(verdict, '?')} {verdict:5} ", style),
            words.test_name(self._job, result["test"]),
            (f"  {duration_text(result['seconds'])}", "dim"),
        )
        if reason := words.first_line(result["reason"]):
            line.append(f"\n        {reason}", style)
        self._console.print(line)

    def _show_state(self, state: Json) -> None:
        counts = state["job"]["counts"]
        running = next((task["running"]["test"] for task in state["tasks"] if task["running"]), "")
        said = f"{words.standing(state)} {words.test_name(self._job, running) if running else ''}".strip()
        total = None if self._job["forever"] else counts["total"]
        done = counts["pass"] + counts["fail"] + counts["error"]
        self._bar.update(self._row, description=said, total=total, completed=done)
