"""Secrets reach the test, and nobody who reads its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyrig.core.results import Verdict

if TYPE_CHECKING:
    from tests.contract.python.conftest import Agent

PIN = "hunter2%"
PEM = "-----BEGIN KEY-----\nabcdef[section]\n=xyz\n-----END KEY-----"
HIDDEN = (PIN, "BEGIN KEY", "abcdef", "=xyz")


async def test_a_test_reads_its_secrets_and_its_log_does_not_show_them(agent: Agent) -> None:
    told = await agent.run("secret.py::test_that_tells", secrets={"pin": PIN, "pem": PEM})
    assert told.outcome.verdict is Verdict.PASS
    assert told.messages[:5] == ["the pin is ********", "********", "********", "echoed ********", "********"]
    assert told.messages[5:8] == ["********", "********", "********"]
    assert told.messages[-1] == "mode 0o600"
    texts = [told.log_text, *(data.decode() for data in told.output.values())]
    assert not [text for text in texts for secret in HIDDEN if secret in text]
    assert "".join(told.messages[8:-1]).replace("x", "").replace("y", "") == "*" * 16


async def test_a_task_with_other_secrets_does_not_see_those_of_the_one_before(agent: Agent) -> None:
    for pin in ("first secret", "second secret"):
        told = await agent.run("secret.py::test_that_tells", secrets={"pin": pin, "pem": "none"})
        assert told.outcome.verdict is Verdict.FAIL
        assert told.outcome.reason == pin  # what the agent hides, where it takes it
        assert pin not in told.log_text
