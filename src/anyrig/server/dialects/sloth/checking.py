"""What a new build has to be checked for besides its own words."""

from anyrig.core.builds import BadBuild, BuildConfig
from anyrig.server.dialects.sloth.hooks import PROVIDERS


def check(config: BuildConfig) -> None:
    """The provider of its webhooks is known and takes its options. Raises BadBuild."""
    if config.provider is None:
        return
    provider = PROVIDERS.get(config.provider.name)
    if provider is None:
        known = ", ".join(PROVIDERS)
        raise BadBuild(reason=f"No matching validator found: {config.provider.name}; there are {known}")
    provider.read(config.provider.options)
