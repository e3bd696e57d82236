"""Names on the bus."""

import pytest

from anyrig.bus import subjects
from anyrig.core.errors import Invalid


def test_subjects_say_whom_they_are_about() -> None:
    assert subjects.job("tv1") == "jobs.node.tv1"
    assert subjects.event("tv1", 7) == "evt.tv1.7"
    assert subjects.log("tv1", 7, 2) == "log.tv1.7.2"
    assert subjects.presence("tv1") == "$KV.presence.tv1"
    assert subjects.rpc("tv1", "stop") == "node.tv1.rpc.stop"
    assert subjects.control("accept", "tv1") == "cp.accept.tv1"
    assert subjects.ui("job.7") == "ui.job.7"
    assert subjects.inbox("lab1") == "_INBOX.lab1"


def test_subjects_are_read_back() -> None:
    assert subjects.event_source(subjects.event("tv1", 7)) == ("tv1", 7)
    assert subjects.log_source(subjects.log("tv1", 7, 2)) == ("tv1", 7, 2)
    assert subjects.presence_node(subjects.presence("tv1")) == "tv1"
    assert subjects.control_node(subjects.control("accept", "tv1")) == "tv1"


@pytest.mark.parametrize(
    "subject", ["", "evt", "evt.tv1", "evt.tv1.x", "evt.tv1.-1", "evt..7", "evt.tv1.7.8", "log.tv1.7"]
)
def test_other_subjects_are_invalid(subject: str) -> None:
    with pytest.raises(Invalid):
        subjects.event_source(subject)
