"""What an executor has to know to run a build: told in the spec's ``params``, and in its ``secrets``.

What nobody is to read travels as a secret: it is masked in all that the run says, and kept nowhere.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from math import isfinite
from typing import Any

from anyrig.core.builds import Action, BuildConfig
from anyrig.core.extensions import docker_exec, ssh_exec
from anyrig.core.extensions.docker_exec import Docker
from anyrig.core.extensions.ssh_exec import Host, Ssh

_PARAM = "param "
_PASSWORD = "ssh password"  # noqa: S105 - the name of one


class Source(StrEnum):
    """Where a param's value comes from: who is believed how far."""

    CONFIG = "config"
    """The test's own author."""
    TRIGGER = "trigger"
    """Somebody with a token, who may run any command anyway."""
    WEBHOOK = "webhook"
    """Anybody who can name a branch."""


@dataclass(frozen=True, slots=True)
class Value:
    """A param's value: a text, or a list of texts, or whatever YAML has."""

    source: Source
    value: Any


@dataclass(frozen=True, slots=True)
class BuildSpec:
    """One run of a build."""

    actions: tuple[Action, ...]
    values: Mapping[str, Value] = field(default_factory=dict)
    work_dir: str = "."
    """On the agent's machine; relative to the folder that the agent was started in."""
    exec_timeout: float | None = None
    stop_on_first_fail: bool = False
    raw_params: bool = False
    """All values are as good as the author's."""
    elsewhere: Ssh | Docker | None = None
    """Where the actions run, if not on the agent's machine."""


def values_of(config: BuildConfig, given: Mapping[str, Value]) -> dict[str, Value]:
    """The config's params, and those that were given instead."""
    own = {name: Value(Source.CONFIG, value) for name, value in config.params.items()}
    return own | dict(given)


def spec_of(config: BuildConfig, given: Mapping[str, Value]) -> BuildSpec:
    elsewhere = [each.options for each in config.extensions if isinstance(each.options, Ssh | Docker)]
    return BuildSpec(
        actions=config.actions,
        values=values_of(config, given),
        work_dir=config.work_dir,
        exec_timeout=config.exec_timeout,
        stop_on_first_fail=config.stop_on_first_fail,
        raw_params=config.raw_params,
        elsewhere=elsewhere[-1] if elsewhere else None,
    )


def told(spec: BuildSpec, secret: frozenset[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Params, as JSON has them, and secrets of a TaskSpec.

    The values of the params in ``secret`` are among the latter, but for those that have none.
    """
    secret = frozenset(name for name in secret & spec.values.keys() if spec.values[name].value is not None)
    hidden = {_PARAM + name: str(spec.values[name].value) for name in secret}
    elsewhere = spec.elsewhere
    if isinstance(elsewhere, Ssh) and elsewhere.password:
        hidden[_PASSWORD] = elsewhere.password
        elsewhere = replace(elsewhere, password=None)
    module = ssh_exec if isinstance(elsewhere, Ssh) else docker_exec
    params = {
        "actions": [[action.command, action.critical, action.broken] for action in spec.actions],
        "values": {
            name: [value.source, None if name in secret else _plain(value.value)]
            for name, value in spec.values.items()
        },
        "work_dir": spec.work_dir,
        "exec_timeout": spec.exec_timeout,
        "stop_on_first_fail": spec.stop_on_first_fail,
        "raw_params": spec.raw_params,
        "elsewhere": None if elsewhere is None else [module.NAMES[0], asdict(elsewhere)],
    }
    return params, hidden


def _plain(value: object) -> object:
    """What JSON has of what YAML has; the rest is a text already, as it will stand in commands."""
    match value:
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {str(name): _plain(each) for name, each in value.items()}
        case str() | bool() | int() | None:
            return value
        case float() if isfinite(value):
            return value
        case _:
            return str(value)


def heard(params: Mapping[str, Any], secrets: Mapping[str, str]) -> BuildSpec:
    """What ``told`` has told."""
    values = {name: Value(Source(source), value) for name, (source, value) in params["values"].items()}
    for name, text in secrets.items():
        if name.startswith(_PARAM):
            param = name.removeprefix(_PARAM)
            values[param] = replace(values[param], value=text)
    return BuildSpec(
        actions=tuple(Action(*action) for action in params["actions"]),
        values=values,
        work_dir=params["work_dir"],
        exec_timeout=params["exec_timeout"],
        stop_on_first_fail=params["stop_on_first_fail"],
        raw_params=params["raw_params"],
        elsewhere=_elsewhere(params["elsewhere"], secrets.get(_PASSWORD)),
    )


def _elsewhere(given: Any, password: str | None) -> Ssh | Docker | None:
    match given:
        case ["ssh_exec", fields]:
            hosts = tuple(Host(**host) for host in fields["hosts"])
            return Ssh(**fields | {"hosts": hosts, "keys": tuple(fields["keys"]), "password": password})
        case ["docker_exec", fields]:
            return Docker(**fields)
        case _:
            return None
