"""Secrets of test packs: a key pair for each project, and the plain text for the tests that run."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from anyrig.core.errors import BadSecret, NotFound
from anyrig.core.messages import TaskSpec
from anyrig.core.secrets import config_files, encrypted_secrets
from anyrig.engine.seals import Seal
from anyrig.packs.hosting import Packs
from anyrig.storage.database import Database
from anyrig.storage.sql.project_keys import SealedKey, keep, of_project

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_REMEMBERED = 1000


class _Memory(Generic[K, V]):
    """The values that were asked for last."""

    def __init__(self) -> None:
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: K, value: V) -> V:
        self._values[key] = value
        if len(self._values) > _REMEMBERED:
            self._values.popitem(last=False)
        return value


class ProjectSecrets:
    """Key pairs, made when they are first needed, and what was decrypted with them.

    ``seal`` encrypts private keys in the database.
    """

    def __init__(self, db: Database, seal: Seal) -> None:
        self._db = db
        self._seal = seal
        self._making: dict[str, asyncio.Lock] = {}
        self._encrypted: _Memory[tuple[str, str, str], dict[str, str]] = _Memory()
        self._plain: _Memory[tuple[str, str, str], str] = _Memory()

    async def public_key(self, project: str, number: int, now: int) -> str:
        """PEM; those who ask while it is made wait for it."""
        async with self._making.setdefault(project, asyncio.Lock()):
            known = await self._db.read(lambda c: of_project(c, project))
            return (known or await self._make(project, number, now)).public

    async def _make(self, project: str, number: int, now: int) -> SealedKey:
        from anyrig.engine.sealing import new_pair  # noqa: PLC0415 - a start without secrets does without it

        made = SealedKey(number, *await asyncio.to_thread(new_pair, self._seal, number))
        return await self._db.write(lambda c: keep(c, project, made, now))

    async def of_task(self, packs: Packs, spec: TaskSpec) -> dict[str, str]:
        """The secrets of the task's revision and node by name, in plain text.

        Raises:
            BadSecret: One cannot be decrypted.
            BadField, Invalid: The pack's configuration cannot be used.
            PackUnavailable: The pack cannot be read now.
            KeyUnreadable: The private key cannot be read.
        """
        wanted = await self._of_revision(packs, spec)
        found = {name: self._plain.get((spec.project, name, text)) for name, text in wanted.items()}
        missing = {name: wanted[name] for name, value in found.items() if value is None}
        return {name: value for name, value in found.items() if value is not None} | (
            await self._decrypted(spec.project, missing) if missing else {}
        )

    async def _of_revision(self, packs: Packs, spec: TaskSpec) -> dict[str, str]:
        key = (spec.project, spec.sha, spec.node)
        known = self._encrypted.get(key)
        if known is None:
            try:
                files = [
                    await packs.read_file(spec.project, spec.sha, path) for path in config_files(spec.node)
                ]
            except NotFound:  # the agent will find that the pack is gone
                return {}
            known = self._encrypted.put(key, encrypted_secrets(data for data in files if data))
        return known

    async def _decrypted(self, project: str, wanted: dict[str, str]) -> dict[str, str]:
        kept = await self._db.read(lambda c: of_project(c, project))
        plain = await asyncio.to_thread(_all_decrypted, self._seal, project, kept, wanted)
        for name, value in plain.items():
            self._plain.put((project, name, wanted[name]), value)
        return plain


def _all_decrypted(
    seal: Seal, project: str, kept: SealedKey | None, wanted: dict[str, str]
) -> dict[str, str]:
    from anyrig.engine.sealing import decrypted, opened  # noqa: PLC0415 - see above

    if kept is None:
        reason = "it was not encrypted with the public key of this project, which has none yet"
        raise BadSecret(name=next(iter(wanted)), reason=reason)
    private = opened(seal, kept.project, project, kept.sealed)
    return {name: decrypted(private, name, text) for name, text in wanted.items()}
