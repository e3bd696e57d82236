"""``sci``, the client of Sloth CI's users, unchanged and from PyPI: pages of history and logs."""

import pytest
from sci_client import Sci
from sloth_farm import Sloth

GOOD, BAD = "Completed 1/1", "None completed: 0/1"
BUILT = [BAD, GOOD, GOOD, BAD, GOOD, BAD, BAD, GOOD, BAD, GOOD, GOOD, BAD]
"""What the builds of the app ``sci-paged`` have come to, the newest first."""
TRIGGERED = "Triggered, actions in queue: 1"


@pytest.fixture(scope="module")
def paged(sloth: Sloth) -> str:
    sloth.created("sci-paged", "exit {code}")
    for message in reversed(BUILT):
        assert sloth.built("sci-paged", code="0" if message is GOOD else "1") == message
    return "sci-paged"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("history", BUILT[:10]),
        ("hist -p 4", BUILT[:4]),
        ("builds -f 2 -t 2", BUILT[10:]),
        ("history -f 2", BUILT[10:]),
        ("history -f 3 -p 4", BUILT[8:]),
        ("history --from-page 2 --to-page 3 --per-page 3", BUILT[3:9]),
        ("history -f 4 -t 4", []),
        ("history --level 30 -p 100", [BAD] * 6),
        ("history -l 40", []),
        ("history -l 10 -p 100", [each for message in BUILT for each in (message, TRIGGERED)]),
    ],
)
def test_history_shows_pages_of_builds_the_newest_first(
    sci: Sci, paged: str, arguments: str, expected: list[str]
) -> None:
    done = sci(*arguments.split(), paged)
    assert done.status == 0, done.out
    assert done.column(1) == expected
    assert done.lines[0].split()[:2] == ["Timestamp", "Status"]


def test_history_shows_levels_to_whoever_wants_them(sci: Sci, paged: str) -> None:
    levels = sci("history", paged, "--verbose", "-l", "10", "-p", "4").column(2)
    assert levels == ["WARNING", "DEBUG", "INFO", "DEBUG"]


def test_logs_tell_what_was_done_with_an_app(sci: Sci, sloth: Sloth) -> None:
    name = sci.created("sci-logs", "echo hello {who}", "echo bye")
    assert sloth.built(name, who="you") == "Completed 2/2"
    born = ["Listening on sci-logs", f"Bound with config file {sci.folder / 'sci-logs.yml'}"]
    greeted = ["Executing action: echo hello you", "Finished"]
    gone = ["Executing action: echo bye", "Finished", "Completed 2/2"]
    done = sci("logs", name)
    assert (done.status, done.column(1)[::-1]) == (0, [*born, *greeted, *gone])
    assert sci("logs", name, "-v", "-p", "3").column(2) == ["INFO"] * 3
    everything = sci("lg", name, "-l", "10", "-p", "50").column(1)
    asked = ["Triggered, actions in queue: 2", "Params: {'who': 'you'}"]
    assert [each for each in everything[::-1] if each != "stderr:"] == [
        *(*born, *asked),
        *(greeted[0], "stdout: hello you", greeted[1]),
        *(gone[0], "stdout: bye", *gone[1:]),
    ]
    for pages in ("-f 2 -t 2", "-f 2"):
        assert sci("logs", name, "-l", "10", "-p", "3", *pages.split()).column(1) == everything[3:6]
