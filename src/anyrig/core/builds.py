"""Tests of kind ``build``: a list of actions with placeholders, kept by the server under a listen point.

Described for users in ``docs/reference/builds.md``; the format is that of Sloth CI's app files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anyrig.core import extensions
from anyrig.core.errors import Invalid
from anyrig.core.extensions.base import Extension

DEFAULT_PROJECT = "builds"
MOST_ACTIONS = 1000
LONGEST_NAME = 200
LONGEST_TIMEOUT = 1e9
"""Seconds."""
RESERVED = frozenset(
    {
        *("api", "app", "git", "github", "healthz", "kiosk", "metrics", "mobile", "nats", "projects"),
        *("prometheus", "readyz", "robots.txt", "favicon.ico", "run", "web", ".well-known"),
    }
)
"""First parts of paths that are not to be had as listen points: ours, and those of other APIs here."""
_SEGMENT = re.compile(r"[^/\s?#%\\\x00-\x1f\x7f\ud800-\udfff]+")
PARAM = re.compile(r"[^\s{}!:]+")
"""What can be the name of a placeholder."""
_SECRET = re.compile(r"passw|secret|token|credential|api_?key|private_?key", re.IGNORECASE)


class BadBuild(Invalid):
    """{reason}"""  # noqa: D415 - the reason is the sentence that clients print

    code = "bad_build"


@dataclass(frozen=True, slots=True)
class Critical:
    """``!critical COMMAND`` of an app file."""

    command: str


@dataclass(frozen=True, slots=True)
class Action:
    """One command line for the shell, with placeholders as in ``str.format_map``."""

    command: str
    critical: bool = False
    """When it fails, those after it are not run."""
    broken: str = ""
    """Why it can never be run."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where webhooks come from."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BuildConfig:
    """A test of kind build, checked."""

    listen_point: str
    project: str
    actions: tuple[Action, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    provider: Provider | None = None
    work_dir: str = "."
    exec_timeout: float | None = None
    """Seconds for each action."""
    stop_on_first_fail: bool = False
    raw_params: bool = False
    """Values from outside stand in commands as they are."""
    trigger_by_get: bool = False
    redirect_hosts: tuple[str, ...] = ()
    secrets: frozenset[str] = frozenset()
    """Params whose values nobody is to read, besides those whose names say so."""
    nodes: tuple[str | None, tuple[str, ...]] = (None, ())
    """The one node to run on, or the labels of a node."""
    extensions: tuple[Extension, ...] = ()

    def is_secret(self, param: str) -> bool:
        return param in self.secrets or _SECRET.search(param) is not None


def checked_listen_point(name: object) -> str:
    """Parts of a path, without a slash at either end.

    Raises:
        BadBuild: It is none, or one of ours.
    """
    if not isinstance(name, str):
        raise BadBuild(reason=f'"{str(name)[:60]}" is not a valid config string')
    point = name.strip("/")
    parts = point.split("/")
    fine = len(point) <= LONGEST_NAME and all(_SEGMENT.fullmatch(part) for part in parts)
    if not fine or {".", ".."} & set(parts):
        raise BadBuild(reason=f"'{name[:60]}' is not a listen point: it has to be a path of a URL")
    if parts[0].lower() in RESERVED:
        raise BadBuild(
            reason=f"The listen point '{point[:60]}' is reserved: /{parts[0]} is an address of ours"
        )
    return point


def read_config(given: object) -> BuildConfig:
    """The app file ``given`` as YAML has it, ``Critical`` for its tag; unknown keys are ignored.

    Raises:
        BadBuild: Something in it makes no sense; the sentence is for people.
    """
    if not isinstance(given, Mapping):
        raise BadBuild(reason=f'"{str(given)[:60]}" is not a valid config string')
    point = checked_listen_point(_name(given))
    return BuildConfig(
        listen_point=point,
        project=_project(given.get("project")),
        actions=_actions(given.get("actions")),
        params=_params(given.get("params")),
        provider=_provider(given.get("provider")),
        work_dir=_text("work_dir", given.get("work_dir"), "."),
        exec_timeout=_timeout(given.get("exec_timeout")),
        stop_on_first_fail=_flag("stop_on_first_fail", given),
        raw_params=_flag("raw_params", given),
        trigger_by_get=_flag("trigger_by_get", given),
        redirect_hosts=_texts("redirect_hosts", given.get("redirect_hosts")),
        secrets=frozenset(_texts("secret_params", given.get("secret_params"))),
        nodes=_nodes(given),
        extensions=extensions.read_all(given.get("extensions"), point),
    )


def _name(given: Mapping[Any, Any]) -> object:
    found = next((given[key] for key in ("id", "name", "listen_point") if given.get(key)), None)
    if found is None:
        raise BadBuild(reason="The \"'id'\" param is missing in the config")
    return found


def _project(given: object) -> str:
    name = _text("project", given, DEFAULT_PROJECT)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", name):
        raise BadBuild(reason=f"project is not 1 to 63 letters, digits, '-' or '_': '{name[:60]}'")
    return name


def _actions(given: object) -> tuple[Action, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MOST_ACTIONS:
        raise BadBuild(reason=f"actions is not a list of at most {MOST_ACTIONS} commands")
    return tuple(map(_action, given))


def _action(given: object) -> Action:
    match given:
        case Critical(command):
            return Action(command, critical=True)
        case str():
            return Action(given)
        case _:
            kind = type(given).__name__
            return Action(str(given), broken=f"{kind!r} object has no attribute 'format_map'")


def _params(given: object) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadBuild(reason="params is not a map of names and values")
    for name in given:
        if not isinstance(name, str) or not PARAM.fullmatch(name):
            raise BadBuild(reason=f"params: {str(name)[:60]!r} cannot be the name of a placeholder")
    return dict(given)


def _provider(given: object) -> Provider | None:
    """One key, the provider's name; of several, the last."""
    if given is None:
        return None
    if not isinstance(given, Mapping) or not given:
        raise BadBuild(reason="provider is not a map of a provider's name and its options")
    name, options = list(given.items())[-1]
    if not isinstance(options, Mapping | None):
        raise BadBuild(reason=f"The options of the provider {name} are not a map")
    return Provider(str(name), dict(options or {}))


def _timeout(given: object) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= LONGEST_TIMEOUT:
        raise BadBuild(reason="exec_timeout is not a number of seconds above zero")
    return float(given)


def _flag(name: str, given: Mapping[Any, Any]) -> bool:
    value = given.get(name)
    if value not in (None, True, False):  # a set would ask for the hash of a list
        raise BadBuild(reason=f"{name} is neither true nor false")
    return bool(value)


def _text(name: str, given: object, default: str) -> str:
    if given is None:
        return default
    if not isinstance(given, str) or not given or "\0" in given:
        raise BadBuild(reason=f"{name} is not a text")
    return given


def _texts(name: str, given: object) -> tuple[str, ...]:
    values = [] if given is None else [given] if isinstance(given, str) else given
    if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
        raise BadBuild(reason=f"{name} is not a list of texts")
    return tuple(values)


def _nodes(given: Mapping[Any, Any]) -> tuple[str | None, tuple[str, ...]]:
    node, labels = given.get("node"), _texts("labels", given.get("labels"))
    if node is None:
        return None, labels
    if labels:
        raise BadBuild(reason="A node is named already; give node or labels")
    return _text("node", node, ""), ()
