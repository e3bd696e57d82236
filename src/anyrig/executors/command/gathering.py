"""Reads what a command has left: JUnit files and artifacts. Blocks, so it is called in a thread."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from anyrig.core.errors import BadReport
from anyrig.core.masking import Mask
from anyrig.core.pack_file import Command
from anyrig.executors.command.files import Signature, all_files, attached, matching, signatures
from anyrig.executors.junit import read_junit
from anyrig.executors.junit_cases import Case

MOST_FILES = 1000
"""Artifacts of one command."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a command has left. The files are artifacts: name -> file."""

    cases: list[tuple[Case, dict[str, Path]]] = field(default_factory=list)
    """Each test case with the files that are its own."""
    broken: list[str] = field(default_factory=list)
    """Why a JUnit file could not be read, one sentence each."""
    files: dict[str, Path] = field(default_factory=dict)
    dropped: int = 0
    """How many files beyond ``MOST_FILES`` were left out."""


def reports(command: Command, work: Path) -> dict[str, Path]:
    """The JUnit files that are there."""
    return matching(work, command.junit)


def gathered(
    command: Command, work: Path, artifacts: Path, before: Mapping[str, Signature], mask: Mask
) -> Left:
    """All that the command has left in its folders ``work`` and ``artifacts``.

    A JUnit file counts only if it has been written since ``before``: a pack may hold old ones.
    """
    found = reports(command, work)
    now = signatures(found)
    fresh = {name: file for name, file in found.items() if now[name] != before.get(name)}
    kept = {**fresh, **all_files(artifacts), **matching(work, command.artifacts)}
    read, broken = _read(fresh)
    return Left(
        cases=[
            (case, _own_files(case, report, work, artifacts.parent / "cases" / str(number), mask))
            for number, (case, report) in enumerate(read)
        ],
        broken=broken,
        files=dict(islice(kept.items(), MOST_FILES)),
        dropped=max(0, len(kept) - MOST_FILES),
    )


def _read(files: Mapping[str, Path]) -> tuple[list[tuple[Case, Path]], list[str]]:
    """Every test case with its file, and why a file could not be read."""
    cases: list[tuple[Case, Path]] = []
    broken = []
    for name, file in files.items():
        try:
            cases += [(case, file) for case in read_junit(file)]
        except BadReport as error:
            broken.append(str(BadReport(file=name, reason=error.fields["reason"])))
    return cases, broken


def _own_files(case: Case, report: Path, work: Path, printed: Path, mask: Mask) -> dict[str, Path]:
    """What the case has printed, which goes into the file ``printed``, and the files that it names."""
    own = attached(case.attachments, (report.parent, work), printed.parent.parent)
    if case.stdout:
        printed.parent.mkdir(exist_ok=True)
        printed.write_text(mask.text(case.stdout), encoding="utf-8", errors="replace")
        own["stdout.log"] = printed
    return own
