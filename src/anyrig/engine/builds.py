"""Tests of kind build: create, bind, remove and find them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from anyrig.core.build_records import Channel, Level, Record
from anyrig.core.builds import BuildConfig
from anyrig.core.errors import Conflict, NotFound
from anyrig.core.extensions.base import Extension
from anyrig.core.extensions.logs import FileLog
from anyrig.core.extensions.notifications import Mails
from anyrig.core.extensions.webhooks import Posts
from anyrig.core.users import Principal, Role
from anyrig.engine.announcing.base import ANNOUNCEMENTS
from anyrig.engine.app_files import read_app_file
from anyrig.engine.known_builds import Build, KnownBuilds
from anyrig.engine.seals import Seal
from anyrig.engine.waiting import Waiters
from anyrig.storage import Connection
from anyrig.storage.database import Database
from anyrig.storage.sql import build_records as records_sql
from anyrig.storage.sql import builds as sql
from anyrig.storage.sql.builds import Kept, Listener

_CHANGE = "change builds"


class ListenPointTaken(Conflict):
    """Listen point {name} is taken"""  # noqa: D415 - clients print it so

    code = "listen_point_taken"


Check = Callable[[BuildConfig], None]
"""Refuses what a config says of things that only the caller knows. Raises BadBuild, BadExtension."""


class Shelf(Protocol):
    """What of a lab builds are kept in."""

    @property
    def db(self) -> Database: ...

    @property
    def seal(self) -> Seal: ...

    @property
    def builds(self) -> KnownBuilds: ...

    @property
    def now(self) -> Callable[[], int]: ...

    @property
    def waiters(self) -> Waiters: ...


async def create(lab: Shelf, who: Principal, text: str, check: Check) -> Build:
    """A new build from its app file.

    Raises:
        BadBuild, BadExtension: The file makes no sense.
        ListenPointTaken, Forbidden.
    """
    config = read_app_file(text)
    who.require(Role.OPERATOR, _CHANGE, config.project)
    check(config)
    now = lab.now()
    sealed = lab.seal.close(_name(config.listen_point), text.encode("utf-8", "surrogatepass"))
    new = Kept(0, config.listen_point, config.project, 0, sealed, None, now, who.user)

    def work(connection: Connection) -> Kept:
        if sql.present(connection, config.listen_point) is not None:
            raise ListenPointTaken(name=config.listen_point)
        kept = sql.add(connection, new)
        _say(connection, Build(kept, config, text), now, f"Listening on {kept.listen_point}")
        return kept

    kept = await lab.db.write(work)
    lab.waiters.wake(ANNOUNCEMENTS)
    lab.builds.put(kept.number, config, text)
    return Build(kept, config, text)


def _name(listen_point: str) -> str:
    return f"app file of {listen_point}"


def _say(connection: Connection, build: Build, now: int, message: str, level: Level = Level.INFO) -> None:
    record = Record(now, Channel.TEST, level, message)
    records_sql.add(connection, build.number, build.kept.history, listeners(build.config), record)


async def note(lab: Shelf, build: Build, said: Sequence[tuple[Level, str]]) -> None:
    """Have the build's log say something about the build itself."""
    now = lab.now()

    def work(connection: Connection) -> None:
        for level, message in said:
            _say(connection, build, now, message, level)

    await lab.db.write(work)
    lab.waiters.wake(ANNOUNCEMENTS)


def listeners(config: BuildConfig) -> tuple[Listener, ...]:
    """The extensions that tell of records."""
    return tuple(found for each in config.extensions if (found := _listener(each)) is not None)


def _listener(extension: Extension) -> Listener | None:
    match extension.options:
        case FileLog(level=level):
            return Listener(extension.key, level, everything=True)
        case Mails(level=level) | Posts(level=level):
            return Listener(extension.key, level, everything=False)
        case _:
            return None


async def bind(lab: Shelf, who: Principal, listen_point: str, file: str) -> Build:
    """Note where its owner keeps the app file; nobody here opens it.

    A build that was removed and is now bound to the same file goes on: its history is the one of that build.

    Raises:
        NotFound, Forbidden.
    """
    build = await find(lab, who, listen_point)
    who.require(Role.OPERATOR, _CHANGE, build.project)
    now = lab.now()

    def work(connection: Connection) -> Kept:
        kept = sql.bind(connection, build.kept, file)
        records_sql.move(connection, build.kept.history, kept.history)
        _say(connection, Build(kept, build.config, build.text), now, f"Bound with config file {file}")
        return kept

    kept = await lab.db.write(work)
    lab.waiters.wake(ANNOUNCEMENTS)
    return lab.builds.found(Build(kept, build.config, build.text))


async def remove(lab: Shelf, who: Principal, listen_point: str) -> None:
    """Its listen point is free; runs that were asked for still run. Raises NotFound, Forbidden."""
    build = await find(lab, who, listen_point)
    who.require(Role.OPERATOR, _CHANGE, build.project)
    now = lab.now()

    def work(connection: Connection) -> None:
        _say(connection, build, now, "Stopped")
        sql.remove(connection, build.number, now)

    await lab.db.write(work)
    lab.waiters.wake(ANNOUNCEMENTS)


async def find(lab: Shelf, who: Principal, listen_point: str) -> Build:
    """Raises NotFound."""
    build = await at(lab, listen_point)
    if build is None or not who.sees(build.project):
        raise NotFound(what="build", name=listen_point)
    return build


async def at(lab: Shelf, listen_point: str) -> Build | None:
    """The build that listens there."""
    kept = await lab.db.read(lambda c: sql.present(c, listen_point))
    return None if kept is None else lab.builds.found(_opened(lab, kept))


async def numbered(lab: Shelf, number: int) -> Build:
    """Also one that was removed not long ago. Raises NotFound."""
    kept = await lab.db.read(lambda c: sql.by_number(c, number))
    if kept is None or not kept.sealed:
        raise NotFound(what="build", name=number)
    return _opened(lab, kept)


def _opened(lab: Shelf, kept: Kept) -> Build:
    known = lab.builds.get(kept.number)
    if known is None:
        text = lab.seal.open(_name(kept.listen_point), kept.sealed).decode("utf-8", "surrogatepass")
        known = read_app_file(text), text
        lab.builds.put(kept.number, *known)
    return Build(kept, *known)


async def every(lab: Shelf, who: Principal) -> list[Kept]:
    """Those that the token opens, by listen point."""
    return [each for each in await lab.db.read(sql.every) if who.sees(each.project)]
