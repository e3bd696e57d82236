"""An agent looks after its cache by itself."""

import os
import time
from pathlib import Path

from lab import Program, until


def test_an_environment_that_was_not_used_for_the_days_of_the_setting_goes(tmp_path: Path) -> None:
    places = tmp_path / "data" / "agent" / "cache" / "python" / "environments"
    for name, days in (("old", 3), ("young", 1)):
        (places / name / "bin").mkdir(parents=True)
        os.utime(places / name, (time.time() - days * 86_400,) * 2)
    program = Program(
        tmp_path / "log",
        "up",
        *("--data", str(tmp_path / "data"), "--port", "0", "--slots", "1"),
        ANYRIG_KEEP_DAYS="2",
        ANYRIG_KEEP_FREE="0",
    )
    program.start()
    try:
        until(lambda: not (places / "old").exists(), program.said)
        until(lambda: "environment old removed: it was not used for 3.0 days" in program.said(), program.said)
    finally:
        assert program.stop() == 0
    assert (places / "young").is_dir()
