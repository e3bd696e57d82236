"""Settings that have to do with builds: what is taken, and what is refused before a server starts."""

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from anyrig.bootstrap.builds import announcing_around, builds_around, checked
from anyrig.core.builds import BadBuild, read_config
from anyrig.core.errors import Invalid
from anyrig.core.extensions.base import BadExtension
from anyrig.engine.announcing.base import Around
from anyrig.server.builds_around import BuildsAround, Ending
from anyrig.settings import ServerSettings

SETTINGS = ServerSettings(data=Path("/data"))


def around(**settings: Any) -> BuildsAround:
    chosen: list[Ending] = []
    return builds_around(replace(SETTINGS, **settings), chosen.append)


def test_without_settings_nothing_is_allowed_and_nothing_is_shown() -> None:
    found = around()
    assert (found.networks, found.redirect_hosts, found.badge, found.robots) == ({}, frozenset(), None, None)


def test_settings_are_read_off() -> None:
    found = around(
        webhook_networks={"github": ("192.0.2.0/24", "2001:db8::1")},
        redirect_hosts=("ci.example.com",),
        trusted_proxies=("10.0.0.0/8",),
        extensions={"b": {"module": "shields_io", "label": "{app}"}, "r": {"module": "robots_txt"}},
    )
    assert found.networks == {"github": (ip_network("192.0.2.0/24"), ip_network("2001:db8::1/128"))}
    assert found.redirect_hosts == {"ci.example.com"}
    assert found.badge is not None
    assert found.robots is not None
    assert (found.badge.label, found.robots.path) == ("{app}", "/robots.txt")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"webhook_networks": {"github": ("anywhere",)}}, "'anywhere' is not an IP address or a network"),
        (
            {"webhook_networks": {"svn": (), "cvs": ()}},
            "webhook_networks: cvs, svn is none of bitbucket, github",
        ),
        ({"trusted_proxies": ("*",)}, "The field 'trusted_proxies' is not valid: '*' is not an IP address"),
        ({"extensions": {"x": {"module": "nothing"}}}, "Could not load extension x: there is no nothing"),
        ({"extensions": {"x": {}}}, "Could not load extension x: its module is not named"),
        (
            {"extensions": {"x": {"module": "webhooks", "url": "http://example.com"}}},
            "the extension x is for a build, not for the whole server",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        around(**settings)
    assert sentence in str(refused.value)


def test_a_server_tells_where_it_is_by_its_public_address_first() -> None:
    logs = Path("/data/build-logs")
    assert announcing_around(SETTINGS) == Around(logs, (), None)
    assert announcing_around(SETTINGS, "http://127.0.0.1:8000") == Around(logs, (), "http://127.0.0.1:8000")
    public = replace(SETTINGS, public_url="https://ci.example.com", file_log_folders=(Path("/var/log"),))
    assert announcing_around(public, "http://127.0.0.1:8000") == Around(
        logs, (Path("/var/log"),), "https://ci.example.com"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"provider": {"gitlab": {"repo": "r", "secret": "s"}}},
        {"extensions": {"l": {"module": "logs", "path": "shop"}}},
    ],
)
def test_a_build_that_asks_for_what_is_here_is_taken(fields: dict[str, Any]) -> None:
    checked(SETTINGS)(read_config({"id": "shop"} | fields))


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"provider": {"svn": {}}}, BadBuild),
        ({"provider": {"github": {}}}, BadBuild),
        ({"extensions": {"l": {"module": "logs", "path": "/etc"}}}, BadExtension),
    ],
)
def test_one_that_asks_for_more_is_refused(fields: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        checked(SETTINGS)(read_config({"id": "shop"} | fields))
