"""Tests that leave processes behind, or do not end."""

import os
import signal
import subprocess
import sys
import time

LEFT = "import time; time.sleep(4321)"


def leave():
    """Two daemons: one whose parent has ended, one in a session of its own."""
    if not os.fork():
        os.setsid()
        if not os.fork():
            os.execv(sys.executable, [sys.executable, "-c", LEFT])
        os._exit(0)
    subprocess.Popen([sys.executable, "-c", LEFT], start_new_session=True)
    print("left", flush=True)


def test_leaves_processes():
    leave()


def test_leaves_processes_and_dies():
    leave()
    os.kill(os.getpid(), signal.SIGKILL)


def test_forks_away():
    if os.fork():
        os._exit(0)
    time.sleep(4321)


def test_two_at_once():
    """A fork that goes on with the test must not have a say."""
    if not os.fork():
        return
    time.sleep(0.2)
    assert False, "the real one"


def test_sleeps():
    try:
        print("asleep")
        time.sleep(4321)
    finally:
        print("woken")


def test_ignores_sigterm():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    leave()
    time.sleep(4321)


def test_kills_its_parent():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(4321)


def test_kills_its_keeper():
    leave()
    with open(f"/proc/{os.getppid()}/stat") as file:
        keeper = int(file.read().rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    time.sleep(4321)


def test_says_who_it_is():
    print("pid", os.getpid(), "sid", os.getsid(0), "tasks", len(os.listdir("/proc/self/task")))
    with open("/proc/self/oom_score_adj") as file:
        print("oom", file.read().strip())


def test_ok():
    pass
