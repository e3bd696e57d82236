import time

print("importing")
time.sleep(4321)


def test_never():
    pass
