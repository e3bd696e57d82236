"""What servers and agents write to stderr: one line an event, as text or as JSON, never a secret."""

import logging
import sys

from anyrig.bootstrap.unneeded import unneeded

with unneeded("rich"):  # it would draw frames around tracebacks
    import structlog

_SHARED: list[structlog.typing.Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_QUIET = ("alembic", "httpx", "nats", "websockets", "uvicorn")
"""Others' loggers that say more than anybody wants to know."""


def start(level: str, *, as_json: bool = False) -> None:
    """From now on, everything of this level (``debug`` to ``critical``) and above is written."""
    last: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        last += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        last.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=last, foreign_pre_chain=_SHARED))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
