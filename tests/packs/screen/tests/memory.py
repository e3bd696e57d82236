"""What tests may do with frames, and with processes and threads beside them."""

import ctypes
import multiprocessing
import os
import signal
import threading
import time

import numpy
import pytest
import stbt_core as stbt


@pytest.fixture(autouse=True)
def home():
    stbt.press("KEY_BACK")


def test_keeps_a_hundred_frames():
    with stbt.pressing("KEY_PLAY"):
        frames = [frame for frame, _ in zip(stbt.frames(), range(100))]
        copies = [numpy.array(frame) for frame in frames]
        list(stbt.frames(timeout_secs=1))
    assert len({copy.tobytes() for copy in copies}) > 10
    assert all((frame == copy).all() for frame, copy in zip(frames, copies))


def test_a_view_of_a_view_outlives_its_frame():
    with stbt.pressing("KEY_PLAY"):
        views = [numpy.asarray(frame)[300:350, ::2].view() for frame, _ in zip(stbt.frames(), range(6))]
        copies = [view.copy() for view in views]
        list(stbt.frames(timeout_secs=1))
    assert all((view == copy).all() for view, copy in zip(views, copies))


def test_looks_at_many_frames_and_keeps_none():
    for frame, _ in zip(stbt.frames(), range(60)):
        owner = frame
        while isinstance(owner, numpy.ndarray):
            owner = owner.base
        assert owner is not None, "it was copied: leases have not come back"


def test_crashes_with_frames():
    kept = [frame for frame, _ in zip(stbt.frames(), range(5))]
    print("kept", len(kept), flush=True)
    ctypes.string_at(0)


def test_is_killed_with_frames():
    kept = [frame for frame, _ in zip(stbt.frames(), range(5))]
    os.kill(os.getpid(), signal.SIGKILL)
    del kept


def test_holds_a_key_when_it_crashes():
    with stbt.pressing("KEY_PLAY"):
        stbt.wait_for_motion()
        os.kill(os.getpid(), signal.SIGKILL)


def test_nothing_moves():
    assert stbt.wait_for_transition_to_end(stable_secs=1, timeout_secs=5)


def test_forks_and_both_look():
    before = stbt.get_frame()
    number = before.sum()
    child = os.fork()
    if not child:
        ok = stbt.get_frame().time >= before.time and before.sum() == number
        del before
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert before.sum() == number
    assert stbt.get_frame().time >= before.time


def _look(queue):
    queue.put([frame.time for frame, _ in zip(stbt.frames(), range(5))])


def test_processes_look():
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=_look, args=(queue,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    assert [len(set(queue.get(timeout=20))) for _ in workers] == [5, 5, 5]
    for worker in workers:
        worker.join()


def test_threads_look_while_a_key_is_down():
    seen = []

    def look():
        seen.append([frame.time for frame in stbt.frames(timeout_secs=2)])

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    press = stbt.press("KEY_PLAY", hold_secs=1.5)
    for thread in threads:
        thread.join()
    meanwhile = [[at for at in times if press.start_time < at < press.end_time] for times in seen]
    assert all(len(times) > 5 for times in meanwhile), meanwhile


def test_closes_all_that_is_open_in_a_fork():
    before = stbt.get_frame()
    child = os.fork()
    if not child:
        os.closerange(3, 1024)
        times = [frame.time for frame, _ in zip(stbt.frames(), range(3))]
        os._exit(0 if times[-1] > before.time else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_is_interrupted_while_it_waits():
    def ring(_number, _frame):
        raise TimeoutError("enough")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        for _ in stbt.frames():
            pass
    except TimeoutError:
        pass
    assert stbt.get_frame().time > time.time() - 5


def test_goes_on_with_a_new_device_process():
    before = stbt.get_frame()
    number = before.sum()
    print("looking", flush=True)
    last = before.time
    for frame in stbt.frames():
        if frame.time - last > 0.3:
            break
        last = frame.time
    assert before.sum() == number
    assert stbt.press("KEY_BACK").start_time > before.time


def test_hangs():
    while True:
        stbt.get_frame()
        time.sleep(0.1)
