"""A program that lets old results go and is killed after its first object."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from anyrig.core.retention import DAY, Rules
from anyrig.engine.retention import Kept, enforce
from anyrig.storage.database import open_database
from anyrig.storage.objects_files import FileObjects


class Dying(FileObjects):
    """Dies when it is asked for the second time."""

    deleted = 0

    async def delete_old(self, sha256: str, before: int) -> bool:
        if self.deleted:
            os.kill(os.getpid(), signal.SIGKILL)
        self.deleted += 1
        return await super().delete_old(sha256, before)


async def main(url: str, folder: Path) -> None:
    async with open_database(url) as db:
        await enforce(Kept(db, Dying(folder), Rules(age=DAY), lambda: time.time_ns() // 1000 + 2 * DAY))


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
