"""An X display in memory that a test can take away and bring back."""

import random
import subprocess

HIGH = range(1000, 30_000)
"""Servers that look for a free number by themselves begin at 0: they do not take ours while it is free."""


class XServer:
    """``start`` and ``stop`` it as often as you like: its ``display`` stays the same."""

    def __init__(self, width: int = 640, height: int = 360) -> None:
        self._screen = ["-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-noreset"]
        self._process: subprocess.Popen[str] | None = None
        self.display = f":{random.choice(HIGH)}"

    def start(self) -> None:
        """Returns when clients can connect."""
        command = ["Xvfb", self.display, "-displayfd", "1", *self._screen]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True
        )
        self._process = process
        assert process.stdout is not None
        with process.stdout as told:
            assert told.readline().strip() == self.display[1:]

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None
