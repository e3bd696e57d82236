"""What each extension of a build may be asked for, by the names and keys that Sloth CI gave them."""

from typing import Any

import pytest

from anyrig.core.build_records import Level
from anyrig.core.extensions import MODULES, read_all
from anyrig.core.extensions.base import BadExtension, Extension
from anyrig.core.extensions.docker_exec import Docker
from anyrig.core.extensions.logs import FORMAT, FileLog
from anyrig.core.extensions.notifications import Mails
from anyrig.core.extensions.robots_txt import Robots
from anyrig.core.extensions.shields_io import Badge
from anyrig.core.extensions.ssh_exec import Host, Ssh
from anyrig.core.extensions.webhooks import Posts

LEAST: dict[str, dict[str, Any]] = {
    "docker_exec": {},
    "logs": {},
    "notifications": {"emails": ["ada@example.org"], "mail_host": "mx.example.org"},
    "robots_txt": {},
    "shields_io": {},
    "ssh_exec": {"hosts": ["a.example.org"]},
    "webhooks": {"url": "https://example.org/hook"},
}
"""What has to be said; all else has a default."""


def extension(module: str, /, **options: Any) -> Extension:
    """With the least options, and these."""
    present = next(each.NAMES[0] for each in MODULES if module in each.NAMES)
    (found,) = read_all({"mine": LEAST[present] | options | {"module": module}}, "web/My Shop")
    return found


def option(module: str, name: str, /, **options: Any) -> Any:
    return getattr(extension(module, **options).options, name)


def refusal(given: object) -> str:
    with pytest.raises(BadExtension) as refused:
        read_all(given, "shop")
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("logs", "logs"),
        ("file_logs", "logs"),
        ("notifications", "notifications"),
        ("build_email_notifications", "notifications"),
        ("build_notifications", "notifications"),
        ("webhooks", "webhooks"),
        ("shields_io", "shields_io"),
        ("robots_txt", "robots_txt"),
        ("ssh_exec", "ssh_exec"),
        ("docker_exec", "docker_exec"),
    ],
)
def test_every_name_that_an_extension_ever_had_is_known(name: str, module: str) -> None:
    found = extension(name)
    assert (found.key, found.module) == ("mine", module)


def test_names_are_not_given_twice() -> None:
    names = [name for module in MODULES for name in module.NAMES]
    assert len(names) == len(set(names)) == 10


def test_defaults_are_those_of_sloth_ci() -> None:
    assert extension("logs").options == FileLog(
        path=".",
        filename="web_My Shop.log",
        level=Level.INFO,
        format=FORMAT,
        rotating=False,
        max_bytes=0,
        backup_count=0,
    )
    assert extension("notifications").options == Mails(
        emails=("ada@example.org",),
        level=Level.WARNING,
        sender="build@sloth.ci",
        subjects={
            "triggered": "{listen_point}: Build triggered",
            "completed": "{listen_point}: Build completed",
            "partially_completed": "{listen_point}: Build partially completed",
            "failed": "{listen_point}: Build failed",
        },
        host="mx.example.org",
        port=None,
        login=None,
        password=None,
        secure=False,
    )
    posts: Posts = extension("webhooks").options
    assert (posts.url, posts.level, posts.secret) == ("https://example.org/hook", Level.WARNING, None)
    assert extension("ssh_exec").options == Ssh((Host("a.example.org", 22),), None, None, (), False)
    assert extension("docker_exec").options == Docker("web-my-shop", None, None, None, None)
    assert extension("robots_txt").options == Robots(None, "/robots.txt")
    assert extension("shields_io").options == Badge(
        label="Sloth CI: {app}",
        status="{status}, {timestamp}",
        style="flat",
        format="svg",
        colors={"INFO": "brightgreen", "WARNING": "yellow", "ERROR": "red"},
    )


@pytest.mark.parametrize(
    ("module", "given", "name", "expected"),
    [
        ("logs", {"path": "a/b", "filename": "x.log"}, "filename", "x.log"),
        ("logs", {"level": "debug"}, "level", Level.DEBUG),
        ("logs", {"level": 40}, "level", Level.ERROR),
        ("logs", {"rotating": True, "max_bytes": 10_000, "backup_count": 3}, "backup_count", 3),
        (
            "logs",
            {"format": "%(levelno)s %(created)d %(name)-20s"},
            "format",
            "%(levelno)s %(created)d %(name)-20s",
        ),
        ("notifications", {"emails": "bob@x"}, "emails", ("bob@x",)),
        ("notifications", {"from": "CI <ci@x>"}, "sender", "CI <ci@x>"),
        ("notifications", {"mail_host": "mx:587"}, "port", 587),
        ("notifications", {"mail_host": "mx:587"}, "host", "mx"),
        ("notifications", {"secure": True}, "secure", True),
        ("notifications", {"secure": ["key.pem", "cert.pem"]}, "secure", True),
        ("notifications", {"login": "ada", "password": "hunter2"}, "password", "hunter2"),
        ("webhooks", {"level": "INFO", "secret": "pssst"}, "secret", "pssst"),
        ("webhooks", {"url": "http://10.0.0.1:8080/x?y=z"}, "url", "http://10.0.0.1:8080/x?y=z"),
        ("ssh_exec", {"hosts": "one"}, "hosts", (Host("one"),)),
        ("ssh_exec", {"hosts": ["one", "two:2222"]}, "hosts", (Host("one"), Host("two", 2222))),
        ("ssh_exec", {"keys": ["~/.ssh/ci"]}, "keys", ("~/.ssh/ci",)),
        ("ssh_exec", {"auto_add_unknown_hosts": True}, "auto_add_unknown_hosts", True),
        ("docker_exec", {"image": "ghcr.io/acme/build:1.2"}, "image", "ghcr.io/acme/build:1.2"),
        ("docker_exec", {"memory_limit": "512m"}, "memory_limit", "512m"),
        ("docker_exec", {"memory_limit": 536_870_912}, "memory_limit", "536870912"),
        ("docker_exec", {"cpu_share": 512}, "cpu_share", 512),
        ("robots_txt", {"file": "/srv/robots.txt"}, "file", "/srv/robots.txt"),
        ("shields_io", {"style": "plastic"}, "style", "plastic"),
        ("shields_io", {"style": "of my own"}, "style", "flat"),
        (
            "shields_io",
            {"colors": {"info": "blue", "ERROR": "#f00"}},
            "colors",
            {"INFO": "blue", "WARNING": "yellow", "ERROR": "#f00"},
        ),
    ],
)
def test_options_are_read(module: str, given: dict[str, Any], name: str, expected: object) -> None:
    assert option(module, name, **given) == expected


def test_the_key_that_the_documents_of_sloth_ci_have_for_the_mail_host_will_do() -> None:
    given = {"mine": {"module": "notifications", "emails": ["ada@x"], "mailhost": "mx:26"}}
    (found,) = read_all(given, "shop")
    assert (found.options.host, found.options.port) == ("mx", 26)


@pytest.mark.parametrize(
    ("module", "given", "reason"),
    [
        ("logs", {"filename": "../x.log"}, "filename is not the name of a file: '../x.log'"),
        ("logs", {"filename": ".."}, "filename is not the name of a file"),
        ("logs", {"filename": ""}, "filename is not a text"),
        ("logs", {"path": 5}, "path is not a text"),
        ("logs", {"path": "a\0b"}, "path is not a text"),
        ("logs", {"level": "LOUD"}, "level is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("logs", {"level": 15}, "level is not one of"),
        ("logs", {"level": ["INFO"]}, "level is not one of"),
        ("logs", {"format": "%(pathname)s"}, "format cannot be used"),
        ("logs", {"format": "%(message)d"}, "format cannot be used"),
        ("logs", {"format": "100%"}, "format has a field without a name"),
        ("logs", {"format": "%s"}, "format has a field without a name"),
        ("logs", {"format": "%(message)9999999999s"}, "format has a field wider than 999"),
        ("logs", {"format": "%%%9999999999s"}, "format has a field without a name"),
        ("webhooks", {"url": "http://x", "encoding": "thrice"}, "encoding is neither"),
        ("logs", {"rotating": "yes"}, "rotating is neither true nor false"),
        ("logs", {"max_bytes": "10k"}, "max_bytes is not a whole number"),
        ("logs", {"max_bytes": True}, "max_bytes is not a whole number"),
        ("logs", {"backup_count": -1}, "backup_count is not a whole number"),
        ("logs", {"backup_count": 1001}, "backup_count is not a whole number from 0 to 1000"),
        ("notifications", {"emails": []}, "emails is not a list of addresses"),
        ("notifications", {"emails": ["ada"]}, "emails is not a list of addresses"),
        ("notifications", {"emails": ["a@b\r\nBcc: c@d"]}, "emails is not a list of addresses"),
        ("notifications", {"emails": {"ada@x": 1}}, "emails is not a list of texts"),
        ("notifications", {"mail_host": None}, "mail_host is missing"),
        ("notifications", {"mail_host": "mx:smtp"}, "mail_host is not HOST or HOST:PORT: 'mx:smtp'"),
        ("notifications", {"mail_host": ":25"}, "mail_host is not HOST or HOST:PORT"),
        ("notifications", {"subject_failed": "{app} failed"}, "subject_failed may have {listen_point}"),
        ("notifications", {"subject_failed": "{listen_point:>999999999}"}, "subject_failed may have"),
        ("notifications", {"subject_failed": "oh {"}, "subject_failed cannot be used"),
        ("notifications", {"subject_triggered": "a\r\nBcc: c@d"}, "subject_triggered has more than one line"),
        ("webhooks", {"url": None}, "url is missing"),
        ("webhooks", {"url": "file:///etc/passwd"}, "url is not an address of HTTP: 'file:///etc/passwd'"),
        ("webhooks", {"url": "http://x/ y"}, "url is not an address of HTTP"),
        ("webhooks", {"secret": 5}, "secret is not a text"),
        ("shields_io", {"format": "png"}, "format is not 'svg', the only one there is"),
        ("shields_io", {"label": "{status}"}, "label may have {app}"),
        ("shields_io", {"status": "{status.real}"}, "status may have {status}, {timestamp}"),
        ("shields_io", {"colors": ["red"]}, "colors is not a map of levels and colors"),
        ("shields_io", {"colors": {"INFO": "url(x)"}}, "colors is not a map of levels and colors"),
        ("robots_txt", {"path": "robots.txt"}, "path is not a path"),
        ("robots_txt", {"path": "/"}, "path is not a path"),
        ("ssh_exec", {"hosts": []}, "hosts is missing"),
        ("ssh_exec", {"hosts": ["one:ssh"]}, "'one:ssh' is not HOST or HOST:PORT"),
        ("ssh_exec", {"hosts": ["one:65536"]}, "'one:65536' is not HOST or HOST:PORT"),
        ("ssh_exec", {"hosts": [":22"]}, "':22' is not HOST or HOST:PORT"),
        ("ssh_exec", {"keys": [""]}, "keys is not a list of texts"),
        ("docker_exec", {"image": "-v/:/x"}, "image is not the name of an image: '-v/:/x'"),
        ("docker_exec", {"memory_limit": "much"}, "memory_limit is not a number of bytes, such as '512m'"),
        ("docker_exec", {"memory_limit": True}, "memory_limit is not a number of bytes"),
        ("docker_exec", {"cpu_share": 1_000_000}, "cpu_share is not a whole number from 0 to 262144"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_a_sentence(
    module: str, given: dict[str, Any], reason: str
) -> None:
    said = refusal({"mine": LEAST[module] | given | {"module": module}})
    assert said.startswith(f"Could not load extension mine: {reason}")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["logs"], "extensions is not a map of names and options"),
        ({"mine": "logs"}, "Could not load extension mine: its module is not named"),
        ({"mine": {"path": "."}}, "Could not load extension mine: its module is not named"),
        (
            {"mine": {"module": "openvz_exec"}},
            (
                "Could not load extension mine: there is no openvz_exec; "
                "there are build_email_notifications, "
                "build_notifications, docker_exec, file_logs, logs, notifications, robots_txt, shields_io, "
                "ssh_exec, webhooks"
            ),
        ),
    ],
)
def test_an_extension_that_is_not_there_is_refused(given: object, reason: str) -> None:
    assert refusal(given) == reason


def test_one_bad_extension_among_good_ones_is_the_one_that_is_named() -> None:
    assert "extension bad:" in refusal({"good": {"module": "logs"}, "bad": {"module": "webhooks"}})


def test_extensions_keep_their_order_and_there_may_be_none() -> None:
    given = {key: {"module": "logs", "filename": f"{key}.log"} for key in "bca"}
    assert [each.key for each in read_all(given, "shop")] == ["b", "c", "a"]
    assert read_all(None, "shop") == read_all({}, "shop") == ()


def test_the_image_is_named_after_the_listen_point_in_letters_that_docker_takes() -> None:
    for listen_point, image in (("Web/Shop_2", "web-shop-2"), ("строй", "build")):
        (found,) = read_all({"mine": {"module": "docker_exec"}}, listen_point)
        assert found.options.image == image
