"""What a build says while it runs: records, and notes in its log."""

from collections.abc import Collection, Mapping

from anyrig.core.build_records import Channel, Level, RunEnd
from anyrig.core.build_spec import Value
from anyrig.core.masking import STARS, Mask
from anyrig.executors.base import Reporter
from anyrig.executors.live_log import LiveLog


class Voice:
    """Nothing of what ``mask`` hides gets out of here."""

    def __init__(self, reporter: Reporter, mask: Mask, log: LiveLog) -> None:
        self._reporter = reporter
        self.mask = mask
        self.log = log

    def debug(self, message: str) -> None:
        self._say(Channel.ACTIONS, Level.DEBUG, message)

    def info(self, message: str) -> None:
        self._say(Channel.ACTIONS, Level.INFO, message)

    def error(self, message: str) -> None:
        self._say(Channel.ACTIONS, Level.ERROR, message)

    def params(self, values: Mapping[str, Value], secret: Collection[str]) -> None:
        shown = {name: STARS if name in secret else value.value for name, value in values.items()}
        self.debug(f"Params: {shown}")

    def command(self, text: str) -> None:
        """A command line is about to be run."""
        for line in text.splitlines():
            self.log.note(f"$ {line}")

    def ended(self, end: RunEnd) -> None:
        self._say(Channel.RUN, end.level, end.message)

    def _say(self, channel: Channel, level: Level, message: str) -> None:
        """Databases and clients take no NUL."""
        self._reporter.record(channel, level, self.mask.text(message).replace("\0", "\\x00"))
