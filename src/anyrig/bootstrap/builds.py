"""What builds have to do with of the world around a server: read off its settings."""

from collections.abc import Callable, Mapping
from typing import Any

from anyrig.core import extensions
from anyrig.core.builds import BuildConfig
from anyrig.core.errors import Invalid
from anyrig.core.extensions.base import BadExtension
from anyrig.core.extensions.robots_txt import Robots
from anyrig.core.extensions.shields_io import Badge
from anyrig.engine.announcing.base import Around
from anyrig.engine.announcing.checking import check as check_tellers
from anyrig.engine.builds import Check
from anyrig.server.builds_around import BuildsAround, Ending
from anyrig.server.dialects.sloth.checking import check as check_provider
from anyrig.server.dialects.sloth.hooks import DEFAULT_NETWORKS
from anyrig.server.dialects.sloth.peers import networks
from anyrig.settings import ServerSettings


def announcing_around(settings: ServerSettings, url: str | None = None) -> Around:
    """``url``: where the server listens, if people reach it there."""
    return Around(
        logs=settings.data / "build-logs",
        file_log_folders=tuple(folder.absolute() for folder in settings.file_log_folders),
        url=settings.public_url or url,
    )


def checked(settings: ServerSettings) -> Check:
    """What a new build has to be checked for besides its own words."""
    around = announcing_around(settings)

    def work(config: BuildConfig) -> None:
        check_provider(config)
        check_tellers(config, around)

    return work


def builds_around(settings: ServerSettings, end: Callable[[Ending], None]) -> BuildsAround:
    """Raises Invalid: a setting makes no sense."""
    unknown = settings.webhook_networks.keys() - DEFAULT_NETWORKS.keys()
    if unknown:
        known = ", ".join(sorted(DEFAULT_NETWORKS))
        raise Invalid(reason=f"webhook_networks: {', '.join(sorted(unknown))} is none of {known}")
    networks(settings.trusted_proxies, "trusted_proxies")  # whoever believes them takes any text
    badge, robots = _of_all(settings.extensions)
    return BuildsAround(
        end=end,
        check=checked(settings),
        networks={
            name: networks(texts, "webhook_networks") for name, texts in settings.webhook_networks.items()
        },
        redirect_hosts=frozenset(settings.redirect_hosts),
        badge=badge,
        robots=robots,
    )


def _of_all(given: Mapping[str, Any]) -> tuple[Badge | None, Robots | None]:
    """Those extensions that are for the whole server."""
    badge: Badge | None = None
    robots: Robots | None = None
    try:
        found = extensions.read_all(given, "")
    except BadExtension as error:
        raise Invalid(reason=f"a setting is wrong: {error}") from error
    for each in found:
        match each.options:
            case Badge():
                badge = each.options
            case Robots():
                robots = each.options
            case _:
                raise Invalid(reason=f"the extension {each.key} is for a build, not for the whole server")
    return badge, robots
