"""A stop that comes while the program is still being started."""

import os
from pathlib import Path

from anyrig.executors.base import StopFlag
from anyrig.executors.process import run_program


async def test_a_stop_that_comes_with_the_order_is_not_lost(tmp_path: Path) -> None:
    stop = StopFlag()
    stop.set("Stopped by ada.", 1.0)
    ended = await run_program(
        ["sleep", "60"], cwd=tmp_path, env=dict(os.environ), stop=stop, timeout=None, on_output=lambda _: None
    )
    assert ended.stopped
