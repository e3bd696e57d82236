"""What an object was announced as, and whether it is that."""

import hashlib
import re

from anyrig.core.errors import BadField, BadObject

SHA256 = re.compile(r"[0-9a-f]{64}")
_MD5 = re.compile(r"[0-9a-f]{32}")


def checked_sha256(sha256: str) -> str:
    """The name of an object; it becomes part of a path, so nothing but 64 lower-case hex digits will do.

    Raises:
        BadField: It is something else.
    """
    if not SHA256.fullmatch(sha256):
        raise BadField(field="sha256", reason="it is not 64 lower-case hex digits")
    return sha256


def checked_md5(md5: str) -> str:
    """An MD5 in hex.

    Raises:
        BadField: It is something else.
    """
    if not _MD5.fullmatch(md5):
        raise BadField(field="md5", reason="it is not 32 lower-case hex digits")
    return md5


def check_whole(sha256: str, md5: str, content: bytes) -> None:
    """Compare a whole small object with its digests.

    Raises:
        BadObject: One of them differs.
    """
    digests = Digests()
    digests.md5.update(content)
    digests.sha256.update(content)
    digests.compare(checked_sha256(sha256), checked_md5(md5))


class Digests:
    """The two running digests of an object."""

    def __init__(self) -> None:
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.sha256 = hashlib.sha256()

    def compare(self, sha256: str, md5: str) -> None:
        """Raise BadObject unless the digests are these."""
        if self.sha256.hexdigest() != sha256:
            raise BadObject(sha256=sha256, reason=f"its SHA-256 is {self.sha256.hexdigest()}")
        if self.md5.hexdigest() != md5:
            raise BadObject(sha256=sha256, reason=f"its MD5 is {self.md5.hexdigest()}, not {md5}")
