"""``python -m bench [NAME …]``: all tables, or some."""

import sys

from bench import buildbot, capture, idle, listing, logs, objects, results_page, sloth, trigger, waiters

ALL = {
    "trigger": trigger,
    "results_page": results_page,
    "waiters": waiters,
    "objects": objects,
    "logs": logs,
    "listing": listing,
    "idle": idle,
    "buildbot": buildbot,
    "sloth": sloth,
    "capture": capture,
}


def main() -> None:
    names = sys.argv[1:] or list(ALL)
    sys.argv[1:] = []
    for name in names:
        ALL[name].main()


main()
