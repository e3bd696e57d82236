"""The machine's own sshd, on loopback, with keys and settings of its own."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
ListenAddress 127.0.0.2
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""


@dataclass(frozen=True)
class Sshd:
    port: int
    folder: Path

    @property
    def key(self) -> str:
        """A file with the key of a user who may come in."""
        return str(self.folder / "user_key")

    def known(self, *names: str) -> str:
        """A file of known hosts."""
        key = (self.folder / "host_key.pub").read_text()
        return "".join(f"[{name}]:{self.port} {key}" for name in names)


@contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    for name in ("host_key", "user_key"):
        new_key(folder / name)
    (folder / "config").write_text(CONFIG.format(port=free_port(), folder=folder))
    server = Sshd(int((folder / "config").read_text().split()[1]), folder)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as its service does before it starts
    argv = ["/usr/sbin/sshd", "-D", "-f", str(folder / "config"), "-E", str(folder / "log")]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        _wait(process, server)
        yield server
    finally:
        process.terminate()
        process.wait()


def new_key(file: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)


def free_port() -> int:
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        port: int = ours.getsockname()[1]
    return port


def _wait(process: subprocess.Popen[bytes], server: Sshd) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.2", server.port), timeout=5).close()
        except ConnectionRefusedError:
            log = server.folder / "log"
            assert process.poll() is None, log.read_text() if log.exists() else "it has ended"
            assert time.monotonic() < until
            time.sleep(0.01)
        else:
            return
