"""Builds that were read before: one never changes, so what was known of it stays right."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeVar

from anyrig.core.build_records import Level
from anyrig.core.builds import BuildConfig
from anyrig.storage.sql.builds import Kept

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Build:
    """A test of kind build."""

    kept: Kept
    config: BuildConfig
    text: str
    """Its app file."""

    @property
    def number(self) -> int:
        return self.kept.number

    @property
    def listen_point(self) -> str:
        return self.kept.listen_point

    @property
    def project(self) -> str:
        return self.kept.project


class KnownBuilds:
    """What is known of the builds that were asked for last."""

    def __init__(self) -> None:
        self._read: OrderedDict[int, tuple[BuildConfig, str]] = OrderedDict()
        self._at: OrderedDict[str, Build] = OrderedDict()
        self._ends: OrderedDict[str, tuple[Level, str] | None] = OrderedDict()

    def listening(self, listen_point: str) -> Build | None:
        """Who was found there last; it may have been removed since."""
        return self._at.get(listen_point)

    def found(self, build: Build) -> Build:
        _put(self._at, build.listen_point, build)
        return build

    def ended(self, job_uid: str, said: tuple[Level, str] | None) -> None:
        """A run is over, and this is what was said of it."""
        _put(self._ends, job_uid, said)

    def has_ended(self, job_uid: str) -> bool:
        """Whether that is known here; if not, it may be all the same."""
        return job_uid in self._ends

    def end(self, job_uid: str) -> tuple[Level, str] | None:
        return self._ends.get(job_uid)

    def get(self, number: int) -> tuple[BuildConfig, str] | None:
        if number in self._read:
            self._read.move_to_end(number)
        return self._read.get(number)

    def put(self, number: int, config: BuildConfig, text: str) -> None:
        _put(self._read, number, (config, text))


def _put(known: OrderedDict[K, V], key: K, value: V) -> None:
    known[key] = value
    if len(known) > _MOST:
        known.popitem(last=False)
