"""Secrets, encrypted as ``stbt_rig encrypt-secret`` does it: by the program ``openssl``."""

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.dialects.conftest import Farm
    from tests.dialects.stbt.conftest import Portal

Json = Any
PIN = "hunter2 % é"
TESTS = """
import stbt_core as stbt


def test_that_fails():
    pin = stbt.get_config("secrets", "pin")
    assert pin == "hunter2 % é"
    print("the pin is", pin)
    raise AssertionError(f"{pin} was refused")


def test_that_errs():
    raise RuntimeError(stbt.get_config("secrets", "Pin", default="nothing is known"))
"""
COMMANDS = r"""
[command.tell]
run = '''
echo "told: $SECRET_PIN"
printf 'hunt'; sleep 0.1; echo 'er2 % é'
cat > report.xml <<END
<testsuite><testcase classname="a" name="b"><failure message="no $SECRET_PIN">in $SECRET_PIN</failure>
<system-out>out $SECRET_PIN</system-out></testcase></testsuite>
END
'''
junit = "report.xml"
"""


@dataclass(frozen=True)
class Vault:
    """A project of its own, whose test pack is a folder."""

    portal: "Portal"
    name: str
    folder: Path

    def key(self) -> str:
        return self.portal.get("secrets.pub.pem", project=self.name).text

    def encrypted(self, value: str) -> str:
        pem = self.folder.parent / f"{self.name}.pem"
        pem.write_text(self.key())
        argv = ["openssl", "pkeyutl", "-inkey", str(pem), "-pubin", "-encrypt"]
        done = subprocess.run(argv, input=value.encode(), check=True, capture_output=True, timeout=30)
        return base64.b64encode(done.stdout).decode()

    def write(self, **secrets: str) -> None:
        lines = [f"{name} = {text}" for name, text in secrets.items()]
        (self.folder / ".stbt.conf").write_text("\n".join(["[encrypted_secrets]", *lines, ""]))

    def run(self, *tests: str) -> list[Json]:
        """The details of the results."""
        body = {"project": self.name, "tests": tests, "node": self.portal.farm.node}
        job = self.portal.http.post("/api/v3/jobs", json=body)
        assert job.status_code == 201, job.text
        done = self.portal.finish({"job_uid": job.json()["uid"]})
        return [self.portal.json(f"results{each['result_id']}") for each in self.portal.results(done)]

    def texts(self, result: Json) -> list[str]:
        """Everything that people read of it."""
        files = [each["name"] if isinstance(each, dict) else each for each in result["artifacts"]]
        logs = [
            self.portal.get(f"results{result['result_id']}/artifacts/{name}").text
            for name in files
            if name.endswith(".log")
        ]
        whole = self.portal.get(f"jobs{result['job_uid']}/log").text
        return [*logs, whole, str(result)]


def new_vault(portal: "Portal", name: str, folder: Path) -> Vault:
    (folder / "tests").mkdir(parents=True)
    (folder / "tests/vault.py").write_text(TESTS)
    (folder / "anyrig.toml").write_text(COMMANDS)
    made = portal.http.post("/api/v3/projects", json={"name": name, "source": str(folder)})
    assert made.status_code == 201, made.text
    return Vault(portal, name, folder)


@pytest.fixture(scope="module")
def vault(portal: "Portal", tmp_path_factory: pytest.TempPathFactory) -> Vault:
    made = new_vault(portal, "vault", tmp_path_factory.mktemp("vault") / "pack")
    made.write(Pin=made.encrypted(PIN))
    return made


def test_the_public_key_is_a_pem_and_stays_the_same(vault: Vault) -> None:
    answer = vault.portal.get("secrets.pub.pem", project="vault")
    assert answer.text.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert answer.headers["content-type"].endswith("; charset=utf-8")
    assert answer.text == vault.key()
    assert len(base64.b64decode(vault.encrypted("x"))) == 512


def test_a_test_reads_its_secret_and_people_do_not(vault: Vault) -> None:
    failed, erred = vault.run("tests/vault.py::test_that_fails", "tests/vault.py::test_that_errs")
    assert (failed["result"], failed["failure_reason"]) == ("fail", "******** was refused")
    assert (erred["result"], erred["failure_reason"]) == ("error", "********")
    assert "RuntimeError: ********" in erred["traceback"]
    shown = vault.texts(failed) + vault.texts(erred)
    assert any("the pin is ********" in text for text in shown)
    assert not [text for text in shown if PIN in text]


def test_a_command_has_its_secret_in_its_environment(vault: Vault) -> None:
    [case] = vault.run("command:tell")
    assert case["failure_reason"] == "no ********"
    shown = vault.texts(case)
    assert sum(text.count("told: ********") for text in shown) == 2
    assert any("out ********" in text for text in shown)
    assert not [text for text in shown if PIN in text]


def test_no_secret_is_left_on_the_disk_of_server_or_agent(vault: Vault) -> None:
    vault.run("tests/vault.py::test_that_fails")
    data = str(vault.portal.farm.data)
    argv = ["grep", "--recursive", "--files-with-matches", "--text", "--fixed-strings", PIN, data]
    found = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60).stdout.splitlines()
    # The pack itself says what it expects, and one test keeps a file of its own that has it.
    assert not [name for name in found if "/objects/" not in name and not name.endswith("/vault.py")]


def test_a_secret_that_cannot_be_decrypted_is_named(vault: Vault, tmp_path: Path) -> None:
    other = new_vault(vault.portal, "other-vault", tmp_path / "pack")
    other.write(wifi=vault.encrypted("stolen"))
    other.key()
    for secrets, reason in (
        ({"wifi": vault.encrypted("stolen")}, "was not encrypted with the public key of this project"),
        ({"wifi": "AAAA"}, "was not encrypted with the public key of this project"),
        ({"wifi": "?"}, "is not base64"),
    ):
        other.write(**secrets)
        [result] = other.run("tests/vault.py::test_that_errs")
        assert result["result"] == "error"
        assert result["failure_reason"].startswith("The secret 'wifi' of the test pack cannot be used: it ")
        assert reason in result["failure_reason"]
        assert "stolen" not in str(result)


def test_a_pack_without_secrets_needs_no_key(portal: "Portal", tmp_path: Path) -> None:
    plain = new_vault(portal, "plain", tmp_path / "pack")
    [result] = plain.run("tests/vault.py::test_that_errs")
    assert result["failure_reason"] == "nothing is known"


def test_viewers_may_encrypt_and_strangers_may_not(vault: Vault, farm: "Farm") -> None:
    with farm.client(farm.new_token("vera", "viewer")) as viewer:
        assert viewer.get("/api/v2/secrets.pub.pem", params={"project": "vault"}).status_code == 200
    with farm.client(farm.new_token("otto", "operator", ["tv"])) as stranger:
        assert stranger.get("/api/v2/secrets.pub.pem", params={"project": "vault"}).status_code == 404
