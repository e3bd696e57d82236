"""Builds and what was said of them as the JSON of the native API and back: see ``wire``."""

from collections.abc import Iterable
from urllib.parse import quote

from anyrig.core.build_records import Level, Record
from anyrig.core.tests import Kind
from anyrig.engine.build_views import RecordsPage, Seen
from anyrig.server.dialects.native import schema_builds
from anyrig.server.dialects.native.wire import decoded, moment


def config(body: bytes) -> str:
    """The app file of a new build. Raises BadField, Invalid."""
    return decoded(body, schema_builds.NewBuild).config


def build(found: Seen, base: str) -> schema_builds.Build:
    """``base`` is the server's URL without a slash at the end."""
    kept, provider, last = found.build.kept, found.build.config.provider, found.now.last
    return schema_builds.Build(
        name=kept.listen_point,
        test=f"{Kind.BUILD}:{kept.listen_point}",
        project=kept.project,
        url=f"{base}/{quote(kept.listen_point)}",
        provider=None if provider is None else provider.name,
        config_file=kept.config_file,
        created=moment(kept.created),
        created_by=kept.created_by,
        waiting=found.now.waiting,
        last_end=None if last is None else _end(last),
    )


def builds(found: Iterable[Seen], base: str) -> schema_builds.Builds:
    return schema_builds.Builds(tuple(build(each, base) for each in found))


def _end(last: Record) -> schema_builds.BuildEnd:
    return schema_builds.BuildEnd(level_name(last.level), last.message, moment(last.at))


def level_name(level: Level) -> str:
    return level.name.lower()


def level(name: str) -> Level:
    """The level that ``level_name`` names."""
    return Level[name.upper()]


def records(page: RecordsPage, after: str | None) -> schema_builds.BuildRecords:
    """``after``: the cursor of the next page."""
    said = tuple(
        schema_builds.BuildRecord(
            at=moment(each.record.at),
            channel=each.record.channel,
            level=level_name(each.record.level),
            message=each.record.message,
            job=each.job,
        )
        for each in page.said
    )
    return schema_builds.BuildRecords(said, after)
