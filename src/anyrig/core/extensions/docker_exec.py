"""Runs the actions in containers, by the ``docker`` command of the agent's machine."""

import re
from dataclasses import dataclass

from anyrig.core.extensions.base import BadExtension
from anyrig.core.extensions.options import Options, number, text, text_or_none

NAMES = ("docker_exec",)
_NO_NAME = re.compile(r"[^a-z0-9]+")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,255}")


@dataclass(frozen=True, slots=True)
class Docker:
    """Each action runs in a container of the image, and what it changed is the image of the next."""

    image: str
    base_url: str | None
    """Where the Docker engine listens; None: as the command's own settings say."""
    path_to_dockerfile: str | None
    """A folder of the agent's machine to build the image from, if there is none."""
    memory_limit: str | None
    cpu_share: int | None


def read(given: Options, listen_point: str) -> Docker:
    """See ``ExtensionModule``."""
    slug = _NO_NAME.sub("-", listen_point.lower()).strip("-") or "build"
    image = text(given, "image", slug)
    if not _IMAGE.fullmatch(image):
        raise BadExtension(reason=f"image is not the name of an image: '{image[:60]}'")
    return Docker(
        image=image,
        base_url=text_or_none(given, "base_url"),
        path_to_dockerfile=text_or_none(given, "path_to_dockerfile"),
        memory_limit=_memory(given),
        cpu_share=number(given, "cpu_share", 0, 262_144) or None,
    )


def _memory(given: Options) -> str | None:
    """Bytes, or ``512m``."""
    value = given.get("memory_limit")
    if value is None:
        return None
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,15}[bkmgBKMG]?", str(value)):
        raise BadExtension(reason="memory_limit is not a number of bytes, such as '512m'")
    return str(value)
