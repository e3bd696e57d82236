"""Patterns of relative paths: ``*``, ``?``, ``[a-z]`` and ``**``, as in a shell with ``globstar``.

Other than in a shell, ``*`` also matches a name that begins with a dot.
"""

import re

from anyrig.core.errors import BadField

_PIECE = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]/]*\]|[^*?\[]+|\[")


def compiled_glob(field: str, glob: str) -> re.Pattern[str]:
    """Matches a whole relative path with ``/``; a pattern that ends with ``/`` means all below that folder.

    Raises:
        BadField: The pattern is empty, absolute, or leaves the folder by ``..``.
    """
    parts = glob.split("/")
    if not glob or glob.startswith("/") or ".." in parts or "\0" in glob:
        raise BadField(field=field, reason=f"'{glob}' is not a pattern of paths inside the work folder")
    plain = "/".join(part for part in parts if part not in ("", "."))
    if glob.endswith(("/", "/.")) or not plain:
        plain = f"{plain}/**".lstrip("/")
    try:
        return re.compile("".join(_translated(piece) for piece in _PIECE.findall(plain)), re.DOTALL)
    except re.error:
        raise BadField(field=field, reason=f"'{glob}' has brackets that name no range") from None


def _translated(piece: str) -> str:
    fixed = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if piece in fixed:
        return fixed[piece]
    if piece.startswith("[") and len(piece) > 1:
        negated = piece.startswith("[!")
        members = re.sub("-+", "-", piece[2 if negated else 1 : -1])
        inside = "".join(member if member == "-" else re.escape(member) for member in members)
        return f"(?!/)[{'^' if negated else ''}{inside}]"
    return re.escape(piece)
