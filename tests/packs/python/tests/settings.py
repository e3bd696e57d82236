"""What stbt_core tells of the configuration, and the surroundings."""

import os
import sys

from stbt_core import ConfigurationError, get_config


def test_configuration():
    print("model", get_config("device_under_test", "model"))
    print("colour", get_config("device_under_test", "colour"))
    print("tag", get_config("result.tags", "jenkins/BUILD_URL"))
    print("empty", repr(get_config("result.tags", "Nightly")))
    print("job", get_config("result", "job_uid"))
    print("test", get_config("result", "test_case"))
    print("remote", get_config("test_pack", "default_remote_control", "none"))
    try:
        get_config("result.tags", "no such tag")
    except ConfigurationError:
        print("no such tag")


def test_surroundings():
    print("stdin", repr(sys.stdin.read()))
    print("unbuffered", os.environ["PYTHONUNBUFFERED"])
    print("secrets", [name for name in os.environ if name.startswith("ANYRIG")])
    print("prefix", sys.prefix)
    print("ours", sorted(name for name in sys.modules if name.startswith("anyrig")))
    print("bytecode", sys.dont_write_bytecode)
