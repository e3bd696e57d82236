"""What an agent writes down of a task."""

from dataclasses import replace
from pathlib import Path

from anyrig.agent.journal import Journal
from anyrig.agent.session import Opened
from anyrig.core.messages import TaskSpec

SPEC = TaskSpec(
    task=1,
    job_uid="/rig1/0000/7",
    task_index=0,
    node="rig1",
    kind="python",
    project="tv",
    user="ada",
    pack_url="",
    sha="",
    tests=(),
    done=0,
    forever=False,
    shuffle=False,
    category="nightly",
    remote_control="",
    tags={},
    secrets={"pin": "hunter2"},
)


def test_secrets_are_not_written_down_or_shown(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, Opened(SPEC, 1))
    assert journal.opened.spec.secrets == {"pin": "hunter2"}
    journal.close()
    assert b"hunter2" not in (journal.folder / "opened").read_bytes()
    found = Journal.load(journal.folder)
    assert found is not None
    found.close()
    assert found.opened.spec == replace(SPEC, secrets={})
    assert "hunter2" not in repr(SPEC)
