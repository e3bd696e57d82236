"""What is kept between tasks: one zygote for each environment, and some keepers.

They need nobody to look after them: each ends by itself after ten minutes without work, and at once when this
process ends, because all hold a socket of ours.
"""

import os
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from anyrig.core.errors import EnvironmentFailed
from anyrig.executors.python.handles import Keeper, Wanted, Zygote

_KEPT_KEEPERS = 8
_KEPT_ZYGOTES = 4


class Warm:
    """All of them. One instance serves all tasks of this process; it is not bound to an event loop."""

    def __init__(self) -> None:
        self._zygotes: OrderedDict[Path, Zygote] = OrderedDict()
        self._idle: OrderedDict[tuple[Zygote, Wanted], Keeper] = OrderedDict()
        self._ending: set[int] = set()

    def take(self, environment: Path, wanted: Wanted, configuration: str) -> Keeper:
        """A keeper for one test at a time: one that has waited for this, or a new one.

        ``environment``: its folder. ``configuration``: what ``stbt.get_config`` is going to say.

        Raises:
            EnvironmentFailed: The environment's Python ends as soon as it is started.
            OSError: It cannot be started at all.
        """
        self._reap()
        zygote = self._zygote(environment)
        keeper = self._waiting(zygote, wanted, configuration) or zygote.keeper(wanted)
        if not keeper:  # the zygote had nothing to do for too long, or was killed
            self._drop(environment)
            zygote = self._zygote(environment)
            keeper = zygote.keeper(wanted)
        if not keeper:
            raise EnvironmentFailed(reason=f"its Python does not start: {zygote.complaints()}")
        zygote.busy += 1
        return keeper

    def _waiting(self, zygote: Zygote, wanted: Wanted, configuration: str) -> Keeper | None:
        keeper = self._idle.pop((zygote, wanted), None)
        if keeper and keeper.configuration in {None, configuration} and keeper.is_there():
            return keeper
        if keeper:
            keeper.close()
        return None

    def give_back(self, keeper: Keeper, *, usable: bool) -> None:
        """After a test; ``usable``: it answered as it should, and may run others."""
        keeper.zygote.busy -= 1
        if usable and keeper.zygote in self._zygotes.values():
            self._idle[keeper.zygote, keeper.wanted] = keeper
        else:
            keeper.close()
        while len(self._idle) > _KEPT_KEEPERS:
            self._idle.popitem(last=False)[1].close()

    def close(self) -> None:
        """End them all, and wait until they have ended."""
        for environment in list(self._zygotes):
            self._drop(environment)
        for pid in self._ending:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        self._ending.clear()

    def _zygote(self, environment: Path) -> Zygote:
        if environment not in self._zygotes:
            unused = [path for path, zygote in self._zygotes.items() if not zygote.busy]
            for path in unused[: max(0, len(self._zygotes) + 1 - _KEPT_ZYGOTES)]:
                self._drop(path)
            self._zygotes[environment] = Zygote(environment)
        self._zygotes.move_to_end(environment)
        return self._zygotes[environment]

    def _drop(self, environment: Path) -> None:
        zygote = self._zygotes.pop(environment)
        for key in [key for key in self._idle if key[0] is zygote]:
            self._idle.pop(key).close()
        self._ending.add(zygote.pid)
        zygote.close()

    def _reap(self) -> None:
        for pid in list(self._ending):
            try:
                ended = os.waitpid(pid, os.WNOHANG)[0]
            except ChildProcessError:
                ended = pid
            self._ending -= {ended}
