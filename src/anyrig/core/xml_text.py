"""Which characters may stand in an XML document."""

import re

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Everything outside ``Char`` of XML 1.0, section 2.2."""


def legal(text: str) -> str:
    """The text without the characters that no XML 1.0 document may hold, not even escaped."""
    return _ILLEGAL.sub("", text)
