"""What goes into a pack's environment."""

import sys
from pathlib import Path

from anyrig.executors.python.environment import python_for, variables
from anyrig.executors.python.requirements import BASE, STBT_CORE, requirements


def test_a_pack_without_requirements_has_those_of_every_pack(tmp_path: Path) -> None:
    wanted = requirements(tmp_path, "3.12")
    assert (wanted.usual, wanted.alone) == (BASE, (STBT_CORE,))
    assert all("==" in line for line in (*BASE, STBT_CORE))


def test_a_pack_adds_its_own_and_may_choose_another_version(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("-r requirements.txt\nrequests>=2 # http\n")
    (tmp_path / "requirements.txt").write_text(
        "# ours\nPyTest ~= 8.1\n\n-r more.txt\n--index-url http://index\nstbt-core==33\nstb_tester==34.12.0\n"
    )
    wanted = requirements(tmp_path, "3.12")
    added = ("PyTest ~= 8.1", "requests>=2", "--index-url http://index")
    assert wanted.usual == (*(line for line in BASE if not line.startswith("pytest=")), *added)
    assert wanted.alone == (STBT_CORE, "stb_tester==34.12.0")


def test_the_file_in_config_counts_when_there_is_none_at_the_root(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "requirements.txt").write_text("six\n")
    assert requirements(tmp_path, "3.12").usual[-1] == "six"


def test_an_environment_has_the_name_of_what_is_in_it(tmp_path: Path) -> None:
    key = requirements(tmp_path, "3.12").key()
    assert requirements(tmp_path, "3.12").key() == key
    assert requirements(tmp_path, "3.13").key() != key
    (tmp_path / "requirements.txt").write_text("six\n")
    assert requirements(tmp_path, "3.12").key() != key


def test_the_packs_python_is_taken_if_ours_is_another_and_the_runner_can_do_with_it() -> None:
    ours = "{}.{}".format(*sys.version_info)
    assert python_for("3.99") == "3.99"
    for version in (None, "", "3.10", "new", ours):
        assert python_for(version) == sys.executable


def test_tests_see_the_agents_variables_without_its_secrets_and_settings() -> None:
    own = {"PATH": "/bin", "HOME": "/root", "ANYRIG_TOKEN": "x", "PYTHONPATH": "y", "PYTEST_ADDOPTS": "z"}
    assert variables(Path("/env"), own) == {
        "PATH": "/env/bin:/bin",
        "HOME": "/root",
        "VIRTUAL_ENV": "/env",
        "PYTHONUNBUFFERED": "1",
    }
