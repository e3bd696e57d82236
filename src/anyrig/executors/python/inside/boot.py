"""Started by its path with the Python of a pack's environment, where our own packages are not installed.

Makes the modules that are meant for it importable while they load, then becomes the zygote.
"""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

_PACKAGES = ("anyrig", "anyrig.executors", "anyrig.executors.python")
"""Their own ``__init__`` stays out: it may need the agent's environment."""


def main() -> None:
    del sys.path[0]  # the folder of this file
    folders = list(Path(__file__).resolve().parents)[1:4]
    for name, folder in zip(_PACKAGES, reversed(folders), strict=True):
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    import_module("anyrig.executors.python.inside.zygote").main(sys.argv[1])


if __name__ == "__main__":
    main()
