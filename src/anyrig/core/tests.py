"""The five kinds of test."""

from enum import StrEnum


class Kind(StrEnum):
    """How a test is run."""

    PYTHON = "python"
    WEB = "web"
    CALL = "call"
    COMMAND = "command"
    BUILD = "build"
