"""What knows a secret and tells it."""

import os
import subprocess
import sys

import stbt_core as stbt


def test_that_tells():
    pin = stbt.get_config("secrets", "pin")
    pem = stbt.get_config("secrets", "pem")
    print("the pin is", pin)
    print(pin[:3], end="", file=sys.stderr)
    print(pin[3:], file=sys.stderr)
    os.write(1, pin[:2].encode())
    os.write(1, pin[2:].encode() + b"\n")
    subprocess.run(["echo", "echoed", pin])
    print(pem)
    print("x" * (2 << 20) + pin, flush=True)
    os.write(1, b"y" * ((1 << 20) - 3) + pin.encode() + b"y" * 3000 + b"\n")
    modes = [oct(os.stat(file).st_mode & 0o777) for file in os.environ["STBT_CONFIG_FILE"].split(":")]
    print("mode", modes[0])
    assert pin == "hunter2%", pin
