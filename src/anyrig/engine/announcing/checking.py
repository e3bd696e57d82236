"""What can be known to be wrong before anything is told."""

from anyrig.core.builds import BuildConfig
from anyrig.core.extensions.base import BadExtension
from anyrig.core.extensions.logs import FileLog
from anyrig.engine.announcing import files
from anyrig.engine.announcing.base import Around, NotTold


def check(config: BuildConfig, around: Around) -> None:
    """To be asked before a build is created. Raises BadExtension."""
    for each in config.extensions:
        if isinstance(each.options, FileLog):
            try:
                files.check(each.options, around)
            except NotTold as error:
                raise BadExtension(reason=f"Could not load extension {each.key}: {error}") from None
