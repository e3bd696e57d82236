"""Schemas of tests of kind build: see ``schema``."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from anyrig.server.dialects.native.schema_base import Answer, Body


class NewBuild(Body, frozen=True):
    """A build to create."""

    config: Annotated[
        str,
        Meta(
            description="Its app file, in YAML.",
            examples=["id: docs\nactions:\n  - git pull\n  - make html\n"],
        ),
    ]


class BuildEnd(Answer, frozen=True):
    """How a run has ended."""

    level: Annotated[str, Meta(description="`info`: all is well; `warning`, `error`.")]
    message: Annotated[str, Meta(examples=["Completed 2/2"])]
    at: datetime


class Build(Answer, frozen=True):
    """A test of kind build."""

    name: Annotated[str, Meta(description="Its listen point: a path, with or without slashes.")]
    test: Annotated[str, Meta(description="As `tests` of a new job takes it.", examples=["build:docs"])]
    project: str
    url: Annotated[str, Meta(description="Where its webhooks go.")]
    provider: Annotated[str | None, Meta(description="Whose webhooks it takes; none: nobody's.")]
    config_file: Annotated[str | None, Meta(description="Where its owner keeps the app file.")]
    created: datetime
    created_by: str
    waiting: Annotated[int, Meta(description="How many of its runs are not over.")]
    last_end: Annotated[BuildEnd | None, Meta(description="Of the run that ended last.")]


class Builds(Answer, frozen=True):
    """All builds that the token opens, by name."""

    builds: tuple[Build, ...]


class BuildRecord(Answer, frozen=True):
    """A line of a build's log."""

    at: datetime
    channel: Annotated[
        str,
        Meta(
            description="What it is about: `test`, the build itself; `actions`, what a run does; "
            "`run`, a run as a whole."
        ),
    ]
    level: Annotated[str, Meta(description="`debug`, `info`, `warning`, `error`, `critical`.")]
    message: str
    job: Annotated[int | None, Meta(description="The run that said it.")]


class BuildRecords(Answer, frozen=True):
    """Some of a build's log, the newest first."""

    records: tuple[BuildRecord, ...]
    next: Annotated[str | None, Meta(description="The `cursor` of the next page.")]
