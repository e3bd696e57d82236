"""How numbers are said to people."""

_MINUTE = 60
_KILO = 1000


def duration_text(seconds: float) -> str:
    """``1.2 s``, ``3 min 20 s`` or ``2 h 5 min``."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size_text(size: int) -> str:
    """``512 B``, ``1.5 kB``, ``20 MB``: powers of ten, as disks are sold."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < _KILO:
            return f"{value:.3g} {unit}"
        value /= _KILO
    return f"{value:.3g} TB"
