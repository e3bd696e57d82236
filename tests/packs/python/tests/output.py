"""What goes into the log and into artifacts."""

import io
import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time

print("imported")


def test_streams(greeting):
    print(greeting)
    print("on stderr", file=sys.stderr)
    subprocess.run(["echo", "from a program"])
    print("after the program")
    os.write(2, b"raw\n")
    time.sleep(0.01)
    sys.stdout.buffer.write("bytes \u00e9 ".encode() + b"\xff\n")
    print("lone \udc80")
    logging.getLogger("tv").warning("from logging")
    print("no newline at the end", end="")


def test_captured(capsys):
    print("for the test")
    assert capsys.readouterr().out == "for the test\n"
    with capsys.disabled():
        print("shown after all")


def test_captured_files(capfd):
    os.write(1, b"for the test\n")
    assert capfd.readouterr().out == "for the test\n"


def test_two_threads():
    def write(name):
        for number in range(500):
            sys.stdout.write(f"{name} {number}\n")

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_odd_uses():
    text = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", line_buffering=True)
    text.write("wrapped\n")
    text.detach()
    sys.stdout.reconfigure(line_buffering=True)
    sys.stdout.writelines(["several\n", "lines\n"])
    assert not sys.stdout.isatty()
    assert sys.stdin.read() == ""
    child = multiprocessing.get_context("fork").Process(target=print, args=("from a fork",))
    child.start()
    child.join()
    assert child.exitcode == 0


def test_times():
    print("first")
    time.sleep(0.2)
    print("second")


def test_long_line():
    print("x" * 3_000_000)


def test_much_output():
    for _ in range(20_000):
        print("y" * 99)
    subprocess.run(["head", "-c", "5000000", "/dev/zero"])


def test_closed_streams():
    os.closerange(0, 4096)
    print("into the void")


def test_files():
    os.makedirs("logs/deep")
    for name in ("a.txt", "logs/deep/b.txt", "gr\u00f6\u00dfe 50%.json"):
        with open(name, "w") as file:
            file.write(name)
    with open(b"bad\xff", "w"), open("new\nline", "w"):
        pass
    os.symlink("/etc/passwd", "link")
    os.symlink("/etc", "folder")
    os.mkfifo("fifo")
    with open("combined.log", "w") as file:
        file.write("of the test's own")


def test_folder_removed():
    os.rmdir(os.getcwd())


def test_too_many_bytes():
    with open("big", "wb") as file:
        file.truncate(10_000_000)
    with open("small", "w") as file:
        file.write("small")


def test_fills_the_disk():
    while True:
        with open(f"{time.time_ns()}", "wb") as file:
            file.truncate(1_000_000)
        time.sleep(0.01)


def test_many_lines():
    for number in range(20_000):
        print("line", number, "of many that are printed")
