"""``[encrypted_secrets]`` in the configuration of a test pack, as ``stbt_rig encrypt-secret`` writes it."""

import re
from collections.abc import Iterable
from configparser import ConfigParser, Error

from anyrig.core.errors import BadField, BadSecret
from anyrig.core.node_config import config_path

SECTION = "encrypted_secrets"
MOST = 50
"""Secrets of one task: they travel in one message to the process that hides them in logs."""
_NAME = re.compile(r"\w[\w. -]*")
_PACK_CONFIG = ".stbt.conf"


def config_files(node: str) -> tuple[str, ...]:
    """The files of a test pack that may hold secrets for the node; the first that has a name counts."""
    return config_path(node), _PACK_CONFIG


def encrypted_secrets(files: Iterable[bytes]) -> dict[str, str]:
    """Name in small letters -> base64, of configuration files of which the first that has a name counts.

    A file that is no configuration has none: whoever runs the tests says what is wrong with it.

    Raises:
        BadSecret: A name cannot stand in a configuration file.
        BadField: There are too many.
    """
    found: dict[str, str] = {}
    for data in files:
        found = {**_section(data), **found}
    for name in found:
        if not _NAME.fullmatch(name):
            raise BadSecret(name=name, reason="its name is not made of letters, digits, '.', '_' and '-'")
    if len(found) > MOST:
        raise BadField(field=SECTION, reason=f"{len(found)} are too many; {MOST} are allowed")
    return found


def _section(data: bytes) -> dict[str, str]:
    parser = ConfigParser(interpolation=None, strict=False, default_section="")
    try:
        parser.read_string(data.decode("utf-8-sig", "replace"))
    except Error:
        return {}
    return dict(parser[SECTION]) if parser.has_section(SECTION) else {}
