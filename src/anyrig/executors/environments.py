"""The environments of test packs in an agent's cache.

Those that nobody has used for long are removed; so are others when the disk is about to be full. Beside the
folder of an environment is its lease: locked while a task uses the environment, and as old as its last use.
"""

import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from anyrig.packs import lease

log = logging.getLogger(__name__)
PLACE = Path("python", "environments")
"""Where they are in the cache."""
_WARM = 3600.0
"""Seconds after which nothing of a task runs any more: an environment's Python waits a while for the next."""
_ABANDONED = 3600.0
"""Seconds after which a folder that is being removed was left by an agent that was killed."""
_OLD = "old-"
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Keep:
    """How much is kept."""

    days: float = 30.0
    """An environment that was not used for longer goes."""
    free: int = 2 << 30
    """With fewer bytes free on the disk, the one that was used longest ago goes, and then the next."""


@contextmanager
def used(environment: Path) -> Iterator[None]:
    """Within the block the environment, which may have to be made first, is not removed.

    Raises:
        OSError: The disk is full, or the like.
    """
    environment.parent.mkdir(parents=True, exist_ok=True)
    held = lease.take(environment.with_suffix(lease.SUFFIX))
    try:
        yield
    finally:
        os.utime(held)
        os.close(held)


def sweep(cache: Path, keep: Keep) -> list[str]:
    """Remove what is not to be kept; gives the names of what was removed. Blocks.

    ``cache``: that of ``Workspace``. What cannot be removed is left to the next time.
    """
    place = cache / PLACE
    _clear(place)
    now = time.time()
    removed = []
    for last_use, environment in sorted((_last_use(path), path) for path in _environments(place)):
        idle = now - last_use
        too_old = idle > keep.days * _DAY
        if (too_old or (idle > _WARM and _free(place) < keep.free)) and _remove(environment):
            why = "it was not used for" if too_old else "the disk is almost full, and it was not used for"
            log.info("environment %s removed: %s %.1f days", environment.name, why, idle / _DAY)
            removed.append(environment.name)
    return removed


def _environments(place: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError), os.scandir(place) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(_OLD):
                yield Path(entry.path)


def _last_use(environment: Path) -> float:
    """As its lease says; one that has none yet was last used when it was made."""
    for path in (environment.with_suffix(lease.SUFFIX), environment):
        with suppress(FileNotFoundError):
            return path.stat().st_mtime
    return time.time()


def _free(place: Path) -> int:
    return shutil.disk_usage(place).free


def _remove(environment: Path) -> bool:
    """False when somebody uses it, or is making it."""
    old = environment.with_name(f"{_OLD}{secrets.token_hex(8)}")
    try:
        if not _put_away(environment, old):
            return False
    except OSError as error:
        log.warning("environment %s is not removed: %s", environment.name, error)
        return False
    shutil.rmtree(old, ignore_errors=True)
    return True


def _put_away(environment: Path, old: Path) -> bool:
    """At one stroke: nobody ever finds half of it, and who wants it does not wait."""
    leased, making = environment.with_suffix(lease.SUFFIX), environment.with_suffix(".lock")
    for path in (leased, making):
        if not path.exists():
            path.touch()
    with lease.alone(leased) as unused, lease.alone(making) as unmade:
        if unused and unmade:
            environment.rename(old)
            making.unlink()
            leased.unlink()
        return unused and unmade


def _clear(place: Path) -> None:
    for folder in place.glob(f"{_OLD}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_ctime > _ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)
