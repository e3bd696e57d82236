"""What a test writes is taken from its pipes as long as it writes, in whatever order they are looked at."""

import os
from pathlib import Path

from anyrig.core.masking import Mask
from anyrig.executors.python.inside.intake import Intake
from anyrig.executors.python.inside.logs import Log
from anyrig.executors.python.inside.watch import Watch

LINE = b"2018-10-10T13:13:20.123456+00:00 "


def test_lines_are_heard_also_after_they_were_taken_together_with_the_output_of_a_program(
    tmp_path: Path,
) -> None:
    told: list[bytes] = []
    watch = Watch()
    intake = Intake(watch, Log(str(tmp_path), 1_000_000, 0, told.append, Mask()))
    lines, output, *_ = intake.ends

    def wait_for(text: bytes) -> None:
        over: list[bool] = []
        watch.after(5, lambda: over.append(True))
        while text not in b"".join(told):
            assert not over, told
            watch.wait()

    os.write(lines, LINE + b"first\n")
    wait_for(b"first")
    watch.after(0.01, lambda: None)
    watch.wait()  # the pipe of lines is looked at again, now behind the others
    os.write(output, b"from a program\n")
    os.write(lines, LINE + b"second\n")
    wait_for(b"second")
    os.write(lines, LINE + b"third\n")
    wait_for(b"third")
    intake.close()
