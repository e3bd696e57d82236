"""Brings what Sloth CI's server was set up with onto a data directory of ours."""

import asyncio
import glob
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w
import yaml

from anyrig.bootstrap.builds import checked
from anyrig.bootstrap.secret_key import secret_key
from anyrig.core.errors import AnyrigError, Invalid, NotFound
from anyrig.core.users import Principal, Role
from anyrig.engine import builds, passwords
from anyrig.engine.access import role_named
from anyrig.engine.builds import Check
from anyrig.engine.clock import utc_now
from anyrig.engine.known_builds import KnownBuilds
from anyrig.engine.seals import Seal
from anyrig.engine.waiting import Waiters
from anyrig.settings import ServerSettings, read
from anyrig.storage.database import Database, open_database

_NAMES = ("sloth.yml", "sloth.yaml")
_OF_ALL = ("shields_io", "robots_txt")
"""The extensions of the whole server that are here, too."""


@dataclass(slots=True)
class Imported:
    """What was brought, and what was not."""

    users: list[str] = field(default_factory=list)
    builds: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """Sentences."""
    settings: str = ""
    """Lines for ``anyrig.toml`` that say what the server's own settings said."""


@dataclass(frozen=True, slots=True)
class _Shelf:
    """See ``engine.builds.Shelf``."""

    db: Database
    seal: Seal
    builds: KnownBuilds
    check: Check
    now: Callable[[], int] = utc_now
    waiters: Waiters = field(default_factory=Waiters)


def import_sloth(folder: Path, data: Path | None, role: str) -> Imported:
    """Users with their passwords, hashed, and builds, bound to their app files; builds that are there stay.

    ``folder`` has the file ``sloth.yml``, or is that file. What a running server is to know it knows at once.

    Raises:
        NotFound: There is no such file.
        Invalid: It makes no sense.
        BadField: There is no such role.
    """
    file = _file(folder)
    given = _read(file)
    settings = read(**({} if data is None else {"data": data}))
    return asyncio.run(_import(given, file.parent, settings, role_named(role)))


def _file(folder: Path) -> Path:
    candidates = [folder, *(folder / name for name in _NAMES)]
    found = next((each for each in candidates if each.is_file()), None)
    if found is None:
        raise NotFound(what="file", name=folder / _NAMES[0])
    return found.absolute()


def _read(file: Path) -> Mapping[str, Any]:
    try:
        given = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise Invalid(reason=f"{file} cannot be read ({error})") from None
    if not isinstance(given, dict):
        raise Invalid(reason=f"{file} is not a map of settings")
    return given


async def _import(given: Mapping[str, Any], folder: Path, settings: ServerSettings, role: Role) -> Imported:
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    done = Imported()
    async with open_database(settings.database) as db:
        await _import_users(db, given, role, done)
        seal = Seal(secret_key(settings.data, settings.secret_key))
        shelf = _Shelf(db, seal, KnownBuilds(), checked(settings))
        for file in _app_files(given, folder, done):
            await _import_build(shelf, file, done)
    done.settings = _settings(given, done)
    return done


async def _import_users(db: Database, given: Mapping[str, Any], role: Role, done: Imported) -> None:
    auth = given.get("auth") or given.get("api_auth") or []
    for each in auth if isinstance(auth, list) else [auth]:
        match each:
            case {"login": str(login), "password": str(password)}:
                try:
                    await passwords.set_password(db, login, password, role, utc_now())
                except AnyrigError as error:
                    done.troubles.append(f"User {login} was left out: {error}")
                else:
                    done.users.append(login)
            case {"login": login, "password": _}:
                done.troubles.append(f"User {login} was left out: login or password is not a text.")
            case _:
                done.troubles.append("An entry of auth has no login or no password.")


def _app_files(given: Mapping[str, Any], folder: Path, done: Imported) -> list[Path]:
    """Those that ``paths.configs`` names; patterns are absolute, or relative to the folder."""
    paths = given.get("paths")
    configs = (paths.get("configs") if isinstance(paths, dict) else None) or []
    found: dict[Path, None] = {}
    for pattern in configs if isinstance(configs, list) else [configs]:
        matching = sorted(glob.glob(str(pattern), root_dir=folder, recursive=True))  # noqa: PTH207 - it may be absolute
        if not matching:
            done.troubles.append(f"paths.configs: there is no file {pattern}.")
        found |= dict.fromkeys(folder / each for each in matching)
    return list(found)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


async def _import_build(shelf: _Shelf, file: Path, done: Imported) -> None:
    who = Principal("import", Role.ADMIN, "")
    try:
        build = await builds.create(shelf, who, _text(file), shelf.check)
        await builds.bind(shelf, who, build.listen_point, str(file))
    except (AnyrigError, OSError, ValueError) as error:
        done.troubles.append(f"{file.name} was left out: {error}")
    else:
        done.builds.append(build.listen_point)


def _settings(given: Mapping[str, Any], done: Imported) -> str:
    wanted = {name: given[name] for name in ("host", "port") if isinstance(given.get(name), str | int)}
    extensions = given.get("extensions")
    lines = tomli_w.dumps(wanted)
    for name, options in (extensions if isinstance(extensions, dict) else {}).items():
        module = options.get("module") if isinstance(options, dict) else None
        if module not in _OF_ALL:
            done.troubles.append(f"The extension {name} ({module}) of the whole server is not there.")
        elif (table := _table(str(name), options)) is None:
            done.troubles.append(f"The extension {name} was left out: its options do not fit into a setting.")
        else:
            lines += f"\n{table}"
    return lines


def _table(name: str, options: Mapping[str, Any]) -> str | None:
    try:
        return tomli_w.dumps({"extensions": {name: options}})
    except (TypeError, ValueError):
        return None
