"""What lircd says (lircd(8), SOCKET COMMAND INTERFACE), and what its configuration says (lircd.conf(5))."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """One packet: the answer to a command, or news for everybody (SIGHUP)."""

    command: str
    """As it was sent."""
    ok: bool
    data: tuple[str, ...] = ()


class Replies:
    """Puts lines together to packets; a line outside of a packet is a key that lircd received."""

    def __init__(self) -> None:
        self._lines: list[str] | None = None
        self._left = 0
        """Lines of data to come, among which one may read END."""

    def take(self, line: str) -> Reply | None:
        """The packet that ends with this line."""
        if self._lines is None:
            self._lines = [] if line == "BEGIN" else None
            return None
        if self._left:
            self._left -= 1
        elif line == "END":
            lines, self._lines = self._lines, None
            return _reply(lines)
        elif self._lines[-1:] == ["DATA"] and line.isdigit():
            self._left = int(line)
        self._lines.append(line)
        return None


def _reply(lines: list[str]) -> Reply:
    command, status, *rest = [*lines, "", ""][: max(2, len(lines))]
    data = rest[2:] if rest[:1] == ["DATA"] else rest
    return Reply(command, status == "SUCCESS", tuple(data))


def remotes(text: str) -> dict[str, frozenset[str]]:
    """The remote controls that an lircd.conf describes, each with its keys, in their order."""
    found: dict[str, set[str]] = {}
    keys: set[str] = set()
    for block, words in _statements(text):
        if block == "remote" and words[0].lower() == "name":
            keys = found.setdefault(words[1], set())
        elif block == "codes":
            keys.add(words[0])
        elif block == "raw_codes" and words[0].lower() == "name":
            keys.add(words[1])
    return {name: frozenset(names) for name, names in found.items()}


def _statements(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each line of two words or more, with the innermost block it is in."""
    blocks = [""]
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if words[:1] == ["begin"] and len(words) > 1:
            blocks.append(words[1].lower())
        elif words[:1] == ["end"] and len(blocks) > 1:
            blocks.pop()
        elif len(words) > 1:
            yield blocks[-1], words
