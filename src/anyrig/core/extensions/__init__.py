"""The extensions that a build may ask for, one module each, by the names and keys that Sloth CI gave them.

The modules here say what may be asked for. It is done elsewhere: ``engine.announcing`` tells of records,
``executors.build`` runs actions on other machines, and the dialect shows what the web is to see.
"""

from collections.abc import Mapping

from anyrig.core.extensions import (
    docker_exec,
    logs,
    notifications,
    robots_txt,
    shields_io,
    ssh_exec,
    webhooks,
)
from anyrig.core.extensions.base import BadExtension, Extension, ExtensionModule

MODULES: tuple[ExtensionModule, ...] = (
    docker_exec,
    logs,
    notifications,
    robots_txt,
    shields_io,
    ssh_exec,
    webhooks,
)
_BY_NAME = {name: module for module in MODULES for name in module.NAMES}


def read_all(given: object, listen_point: str) -> tuple[Extension, ...]:
    """The map ``extensions`` of an app file: name -> {module, options …}.

    Raises:
        BadExtension: One is not there, or its options make no sense: nothing runs without what it asked for.
    """
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise BadExtension(reason="extensions is not a map of names and options")
    return tuple(_read(str(key), options, listen_point) for key, options in given.items())


def _read(key: str, given: object, listen_point: str) -> Extension:
    if not isinstance(given, Mapping) or not isinstance(given.get("module"), str):
        raise BadExtension(reason=f"Could not load extension {key}: its module is not named")
    name = given["module"]
    module = _BY_NAME.get(name)
    if module is None:
        known = ", ".join(sorted(_BY_NAME))
        raise BadExtension(reason=f"Could not load extension {key}: there is no {name}; there are {known}")
    options = {str(option): value for option, value in given.items() if option != "module"}
    try:
        return Extension(key, module.NAMES[0], module.read(options, listen_point))
    except BadExtension as error:
        raise BadExtension(reason=f"Could not load extension {key}: {error}") from error
