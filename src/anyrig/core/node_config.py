"""``config/test-farm/<node>.conf``: what a test pack says of a node, as stb-tester has it."""

from configparser import ConfigParser, Error

NodeConfig = dict[str, dict[str, str]]
"""Section -> key in small letters -> value."""


def config_path(node: str) -> str:
    """Where a test pack keeps it."""
    return f"config/test-farm/{node}.conf"


def parse_config(data: bytes) -> NodeConfig:
    """The sections of such a file. One that is broken has none: it must not keep anybody from the node."""
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(data.decode("utf-8-sig", "replace"))
    except Error:
        return {}
    return {name: dict(parser[name]) for name in parser.sections()}


def value_of(config: NodeConfig, section: str, key: str) -> str | None:
    """None when it is not set, or empty."""
    return config.get(section, {}).get(key) or None
