"""An import that starts a thread and a process: no fork of it would have them."""

import os
import subprocess
import sys
import threading

beat = threading.Event()
threading.Thread(target=beat.wait, daemon=True).start()
server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(4321)"])


def test_thread_lives():
    assert threading.active_count() == 2
    assert server.poll() is None
    with open("file.txt", "w") as file:
        file.write("from a process that imported for itself")


def test_own_process():
    print("pid", os.getpid())
    assert threading.active_count() == 2
