"""What is said of builds in mails, posts and lines of files, and how often it is tried to say it."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core import extensions
from anyrig.core.build_records import Channel, Ended, Level, Record, run_end, triggered
from anyrig.core.extensions import logs, notifications
from anyrig.engine.announcing.base import Announcement, Around, NotTold
from anyrig.engine.announcing.files import line_of
from anyrig.engine.announcing.letters import letter, outcome
from anyrig.engine.announcing.pace import Pace
from anyrig.engine.announcing.posts import body, signature
from anyrig.engine.announcing.registry import TELLERS

AT = 1_446_684_472_123_456
DONE = Announcement(
    "7-1", "test", "builds", Record(AT, Channel.RUN, Level.INFO, "Completed 2/2"), "/any/0007/12"
)
AROUND = Around(Path("/nowhere"), url="https://ci.example")
DAY = 86_400_000_000


def mails(**options: object) -> notifications.Mails:
    return notifications.read({"emails": "ada@example.org", "mail_host": "mx", **options}, "test")


def sent(
    options: notifications.Mails, announcement: Announcement = DONE, around: Around = AROUND
) -> EmailMessage:
    """The mail as its receiver reads it."""
    data = letter(options, announcement, around).as_bytes()
    assert data.isascii()
    read = message_from_bytes(data, policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def lines(mail: EmailMessage) -> list[str]:
    return str(mail.get_content()).splitlines()


def saying(message: str, level: Level = Level.INFO, channel: Channel = Channel.RUN) -> Announcement:
    return replace(DONE, record=Record(AT, channel, level, message))


def test_every_teller_is_listed_by_the_present_name_of_an_extension() -> None:
    assert set(TELLERS) <= {module.NAMES[0] for module in extensions.MODULES}
    assert set(TELLERS) == {"logs", "notifications", "webhooks"}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (Record(AT, Channel.RUN, Level.DEBUG, triggered(3)), "triggered"),
        *[
            (Record(AT, Channel.RUN, end.level, end.message), expected)
            for end, expected in [
                (run_end(1, [Ended.DONE], cut_short=False), "completed"),
                (run_end(2, [Ended.DONE, Ended.FAILED], cut_short=False), "partially_completed"),
                (run_end(1, [Ended.FAILED], cut_short=False), "partially_completed"),
                (run_end(2, [Ended.FAILED], cut_short=True), "failed"),
            ]
        ],
        (Record(AT, Channel.RUN, Level.CRITICAL, "The sky fell"), "failed"),
    ],
)
def test_what_a_run_says_of_itself_chooses_the_subject(record: Record, expected: str) -> None:
    assert outcome(record) == expected


def test_a_mail_says_what_was_said_and_where_to_read_on() -> None:
    mail = sent(mails(subject_completed="{listen_point} is fine"))
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "build@sloth.ci",
        "ada@example.org",
        "test is fine",
    )
    assert mail["Date"] == "Thu, 05 Nov 2015 00:47:52 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    page = "https://ci.example/app/#/results?filter=job:/any/0007/12"
    assert lines(mail) == ["Completed 2/2", "", "Build: test", f"Job: {page}"]


def test_a_mail_says_what_it_can_where_no_job_or_no_address_is_known() -> None:
    assert lines(sent(mails(), replace(DONE, job=None))) == ["Completed 2/2", "", "Build: test"]
    assert lines(sent(mails(), around=replace(AROUND, url=None)))[-1] == "Job: /any/0007/12"


def test_a_mail_has_the_same_id_whenever_it_is_sent() -> None:
    named = mails(**{"from": "Our builds <ci@example.org>"})
    ids = [sent(named, replace(DONE, tries=tries))["Message-ID"] for tries in (1, 2)]
    assert ids == ["<anyrig.7-1@example.org>"] * 2
    assert sent(named, replace(DONE, id="7-2"))["Message-ID"] != ids[0]


def test_a_mail_says_anything_in_any_language() -> None:
    said = ["Completed 1/1, čeština 🦥", "x" * 2000]
    mail = sent(
        mails(subject_completed="{listen_point} ✓"), replace(saying("\n".join(said)), listen_point="строй")
    )
    assert mail["Subject"] == "строй ✓"
    assert lines(mail)[:2] == said


@pytest.mark.parametrize("address", ["build@sloth.ci\r\nBcc: eve@example.org", "nobody", "a@b\nX: y"])
def test_a_sender_that_is_no_address_makes_no_mail(address: str) -> None:
    with pytest.raises(NotTold) as refused:
        sent(mails(**{"from": address}))
    assert refused.value.for_ever


def test_a_post_is_a_json_object_as_sloth_ci_names_things() -> None:
    expected = {"name": "test.build", "level": "INFO", "message": "Completed 2/2"}
    assert json.loads(body(DONE, twice=False)) == expected
    assert json.loads(json.loads(body(DONE, twice=True))) == expected
    assert body(saying("ü", channel=Channel.TEST), twice=True) == (
        rb'"{\"name\": \"test\", \"level\": \"INFO\", \"message\": \"\\u00fc\"}"'
    )


def test_a_signature_is_made_as_github_makes_them() -> None:
    """The example of GitHub's own documents."""
    expected = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signature("It's a Secret to Everybody", b"Hello, World!") == f"sha256={expected}"


@dataclass(frozen=True)
class _Line:
    channel: Channel
    level: Level
    name: str


@pytest.mark.parametrize(
    "line",
    [
        _Line(Channel.TEST, Level.INFO, "test"),
        _Line(Channel.ACTIONS, Level.DEBUG, "test.exec"),
        _Line(Channel.RUN, Level.WARNING, "test.build"),
    ],
)
def test_a_line_of_a_file_is_the_one_that_python_would_log(line: _Line) -> None:
    time = datetime.fromtimestamp(AT // 1_000_000).strftime("%Y-%m-%d %H:%M:%S")  # noqa: DTZ006 - local, as logs are
    expected = f"{time},123 | {line.name:>30} | {line.level.name:>10} | stdout: 100%s\n"
    said = saying("stdout: 100%s", line.level, line.channel)
    assert line_of(logs.read({}, "test"), said) == expected


def test_a_line_may_have_any_format_that_names_what_there_is() -> None:
    options = logs.read({"format": "%(levelno)s %(created).3f %(message)s"}, "test")
    assert line_of(options, DONE) == "20 1446684472.123 Completed 2/2\n"
    assert line_of(logs.read({"format": "always the same"}, "test"), DONE) == "always the same\n"


def test_reasons_are_one_line_that_can_be_printed() -> None:
    assert str(NotTold("550 go\r\naway\0 {now}\x1b[31m", for_ever=True)) == "550 go away {now} [31m"


def test_pauses_double_up_to_the_longest() -> None:
    pace = Pace()
    assert [pace.pause(tries, 0.0) for tries in (1, 2, 3, 4)] == [5.0, 10.0, 20.0, 40.0]
    assert pace.pause(2, 1.0) == 12.5
    assert pace.pause(5000, 0.0) == 3600.0


@given(tries=st.integers(1, 10**6), chance=st.floats(0, 1))
def test_no_pause_is_shorter_than_the_first_nor_much_longer_than_the_longest(
    tries: int, chance: float
) -> None:
    assert 5.0 <= Pace().pause(tries, chance) <= 4500.0


def test_patience_ends_a_day_after_it_was_said_but_not_before_it_was_tried_some_times() -> None:
    pace = Pace()
    assert not pace.is_over(AT, 30, AT + DAY - 1)
    assert pace.is_over(AT, 30, AT + DAY)
    assert not pace.is_over(AT, 2, AT + 9 * DAY)
    assert pace.is_over(AT, 3, AT + 9 * DAY)
