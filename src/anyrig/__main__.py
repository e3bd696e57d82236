"""``python -m anyrig``."""

import sys


def main() -> None:
    from anyrig.cli.main import app  # noqa: PLC0415 - the agent's children import this module for nothing else

    sys.exit(app(sys.argv[1:]))


if __name__ == "__main__":
    main()
