"""A program on an X display: shows a picture, and a colour for each key that goes down.

``python xapp.py LOG [PICTURE [RATE]]``: PICTURE has four bytes a pixel, blue, green, red and one more, as
large as the screen; with a RATE it moves up so many times a second. Each line of LOG: ``ready``,
``down KEYSYM``, ``up KEYSYM``; keysyms in hexadecimal. Speaks the X protocol itself (X Window System
Protocol, version 11), so that nothing but an X server is needed.
"""

import os
import socket
import struct
import sys
import time
from collections import deque
from pathlib import Path
from typing import NoReturn

ROWS = 16
"""Of a picture sent at once: the server takes 256 KB."""
KEY_DOWN, KEY_UP, EXPOSE = 2, 3, 12
SHIFT = 1


class App:
    def __init__(self, log: Path) -> None:
        self.log = log
        self.events: deque[bytes] = deque()
        number = os.environ["DISPLAY"].removeprefix(":").partition(".")[0]
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(f"/tmp/.X11-unix/X{number}")
        self.sock.sendall(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
        _, length = struct.unpack("<B5xH", self.read(8))
        body = self.read(length * 4)
        (self.base,) = struct.unpack_from("<I", body, 4)
        (vendor,) = struct.unpack_from("<H", body, 16)
        self.first, self.last = body[26], body[27]
        screen = 32 + (vendor + 3) // 4 * 4 + body[21] * 8
        (self.root,) = struct.unpack_from("<I", body, screen)
        self.width, self.height = struct.unpack_from("<HH", body, screen + 20)
        self.depth = body[screen + 38]
        self.window, self.pen, self.pixmap = self.base + 1, self.base + 2, self.base + 3

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            if not piece:
                sys.exit(1)
            data += piece
        return data

    def open(self) -> None:
        values = struct.pack("<III", 0, 1, 0x8003)  # black, override redirect, keys and exposure
        place = struct.pack("<hhHHHHI", 0, 0, self.width, self.height, 0, 1, 0)
        head = struct.pack("<BBHII", 1, 0, 8 + 3, self.window, self.root)
        self.sock.sendall(head + place + struct.pack("<I", 0xA02) + values)
        quiet = 0x10004, 0, 0  # a black pen that does not tell what it has copied
        self.sock.sendall(struct.pack("<BxHIIIII", 55, 6, self.pen, self.window, *quiet))
        self.sock.sendall(struct.pack("<BxHI", 8, 2, self.window))

    def show(self, picture: bytes, where: int = 0) -> None:
        row = self.width * 4
        for y in range(0, self.height, ROWS):
            data = picture[y * row : (y + ROWS) * row]
            length = 6 + len(data) // 4
            head = struct.pack("<BBHII", 72, 2, length, where or self.window, self.pen)
            self.sock.sendall(
                head + struct.pack("<HHhhBBxx", self.width, len(data) // row, 0, y, 0, self.depth) + data
            )

    def move(self, picture: bytes, rate: float) -> NoReturn:
        size = struct.pack("<HH", self.width, self.height)
        self.sock.sendall(struct.pack("<BBHII", 53, self.depth, 4, self.pixmap, self.window) + size)
        self.show(picture, self.pixmap)
        top = 0
        while True:
            self.copy(top, 0, self.height - top)
            self.copy(0, self.height - top, top)
            top = (top + 1) % self.height
            time.sleep(1 / rate)

    def copy(self, from_row: int, to_row: int, rows: int) -> None:
        head = struct.pack("<BxHIII", 62, 7, self.pixmap, self.window, self.pen)
        self.sock.sendall(head + struct.pack("<hhhhHH", 0, from_row, 0, to_row, self.width, rows))

    def fill(self, colour: int) -> None:
        self.sock.sendall(struct.pack("<BxHIII", 56, 4, self.pen, 4, colour & 0xFFFFFF))
        area = struct.pack("<hhHH", 0, 0, self.width, self.height)
        self.sock.sendall(struct.pack("<BxHII", 70, 5, self.window, self.pen) + area)

    def keysym(self, code: int, state: int) -> int:
        self.sock.sendall(struct.pack("<BxHBBxx", 101, 2, code, 1))
        while (reply := self.read(32))[0] != 1:
            self.events.append(reply)
        syms = struct.unpack_from(f"<{reply[1]}I", self.read(int.from_bytes(reply[4:8], "little") * 4))
        shifted = bool(state & SHIFT) and len(syms) > 1 and syms[1]
        return int(syms[1] if shifted else syms[0])

    def event(self) -> bytes:
        return self.events.popleft() if self.events else self.read(32)

    def say(self, line: str) -> None:
        with self.log.open("a") as file:
            file.write(line + "\n")

    def run(self, picture: bytes, rate: float) -> None:
        self.open()
        if rate:
            self.move(picture, rate)
        while True:
            event = self.event()
            kind = event[0] & 0x7F
            if kind == EXPOSE:
                self.show(picture)
                self.say("ready")
            elif kind in {KEY_DOWN, KEY_UP}:
                self.key(kind, self.keysym(event[1], int.from_bytes(event[28:30], "little")))

    def key(self, kind: int, keysym: int) -> None:
        if kind == KEY_DOWN:
            self.fill(keysym)
        self.say(f"{'down' if kind == KEY_DOWN else 'up'} {keysym:x}")


if __name__ == "__main__":
    app = App(Path(sys.argv[1]))
    shown = Path(sys.argv[2]).read_bytes() if len(sys.argv) > 2 else b""
    app.run(shown, float(sys.argv[3]) if len(sys.argv) > 3 else 0.0)
