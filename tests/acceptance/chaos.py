"""Kills at random for a while, and counts what became of every test: ``python tests/acceptance/chaos.py``."""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import httpx
from lab import Lab, leftovers, running, until

TESTS = ("test_quick", "test_slow", "test_quick")
WEAPONS = ("server", "nats", "agent", "freeze")
HARMLESS = {"server", "nats"}
"""What no test may suffer from: its node stays, and brings the results when it can."""


class Chaos:
    """Jobs one after the other, and a kill every few seconds."""

    def __init__(self, lab: Lab, seed: int, weapons: Sequence[str] = WEAPONS) -> None:
        self._lab = lab
        self._chance = random.Random(seed)
        self._weapons = weapons
        self.tally: Counter[str] = Counter()

    def job(self) -> None:
        uid = until(self._submitted, "a job is taken")
        struck = set()
        for _ in range(self._chance.randrange(3)):
            time.sleep(self._chance.uniform(0.2, 2.5))
            weapon = self._chance.choice(self._weapons)
            self._strike(weapon)
            struck.add(weapon)
        self._lab.wait(uid, 120)
        self._count(uid, struck)

    def _submitted(self) -> str:
        try:
            return self._lab.run(*TESTS)
        except AssertionError:  # the node is not back yet
            return ""

    def _strike(self, weapon: str) -> None:
        self.tally[f"struck: {weapon}"] += 1
        lab = self._lab
        if weapon == "server":
            lab.server.kill()
            lab.server.start()
            until(lambda: httpx.get(f"{lab.url}/readyz").status_code == 200, lab.server.said)
        elif weapon == "nats":
            lab.kill_nats()
        elif weapon == "agent":
            lab.agent.kill()
            lab.agent.start()
        else:
            lab.agent.signal(signal.SIGSTOP)
            time.sleep(self._chance.uniform(0.5, 8.0))
            lab.agent.signal(signal.SIGCONT)

    def _count(self, uid: str, struck: set[str]) -> None:
        results = self._lab.results(uid)
        names = Counter(one["test_case"].partition("::")[2] for one in results)
        self.tally["jobs"] += 1
        self.tally["results"] += len(results)
        self.tally.update(one["result"] for one in results)
        if names != Counter(TESTS):
            self.tally["WRONG: not one result a test"] += 1
        if struck <= HARMLESS and any(one["result"] == "error" for one in results):
            self.tally["WRONG: errors although the agent was left alone"] += 1
            print(uid, struck, [one["failure_reason"] for one in results], flush=True)
        for one in results:
            if one["result"] == "pass" and "slow" in one["test_case"]:
                lines = [line for line in self._lab.result_log(one).splitlines() if " line " in line]
                if len(lines) != 60:
                    self.tally["WRONG: a log is not whole"] += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--weapons", nargs="+", choices=WEAPONS, default=WEAPONS)
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="anyrig-chaos-") as folder,
        running(Path(folder), lease=6.0) as lab,
    ):
        chaos = Chaos(lab, asked.seed, asked.weapons)
        until_then = time.monotonic() + asked.seconds
        while time.monotonic() < until_then:
            chaos.job()
        until(lambda: not leftovers(str(lab.agent_data / "scratch")), "no process is left over")
        for what, count in sorted(chaos.tally.items()):
            print(f"{count:6}  {what}")
        return int(any(what.startswith("WRONG") for what in chaos.tally))


if __name__ == "__main__":
    sys.exit(main())
