"""Verdicts, outcomes and how they add up."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What one execution of a test showed."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    """The product is wrong."""
    ERROR = "error"
    """The test could not tell."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many results of each verdict; ``total`` is how many were asked for, or came, whichever is more."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    expected: int = 0

    @property
    def finished(self) -> int:
        return self.passed + self.failed + self.errors

    @property
    def total(self) -> int:
        return max(self.expected, self.finished)

    @property
    def verdict(self) -> Verdict:
        """All results together, once there are no more to come: what is missing counts as an error."""
        if self.failed:
            return Verdict.FAIL
        return Verdict.PASS if 0 < self.passed == self.total else Verdict.ERROR

    def plus(self, verdict: Verdict) -> "Counts":
        return Counts(
            passed=self.passed + (verdict is Verdict.PASS),
            failed=self.failed + (verdict is Verdict.FAIL),
            errors=self.errors + (verdict is Verdict.ERROR),
            expected=self.expected,
        )


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of several results together: a failure outweighs an error, an error outweighs a pass.

    No results at all is an error: nothing was shown.
    """
    seen = set(verdicts)
    for verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.PASS):
        if verdict in seen:
            return verdict
    return Verdict.ERROR
