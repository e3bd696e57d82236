"""What is written about builds, and the examples of them, is what the code takes."""

import re
import tomllib
from pathlib import Path

import pytest

from anyrig.bootstrap.builds import builds_around
from anyrig.core import extensions
from anyrig.core.builds import RESERVED
from anyrig.core.errors import Invalid
from anyrig.engine.app_files import read_app_file
from anyrig.server.dialects.sloth.checking import check
from anyrig.server.dialects.sloth.hooks import PROVIDERS
from anyrig.settings import read

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference/builds.md").read_text()
MOVE = (ROOT / "docs/how-to/move-from-sloth-ci.md").read_text()
EXAMPLES = sorted((ROOT / "examples/builds").glob("*.yml"))


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_an_example_is_an_app_file_with_a_name_like_its_own(file: Path) -> None:
    config = read_app_file(file.read_text())
    check(config)
    assert config.listen_point == f"examples/{file.stem}"
    assert config.actions


def test_the_app_file_of_the_reference_is_one() -> None:
    [text] = blocks(REFERENCE, "yaml")
    config = read_app_file(text)
    check(config)
    assert [action.critical for action in config.actions] == [True, False, False, False]


def test_every_key_of_the_reference_is_read() -> None:
    """Whatever makes no sense as a value is refused, so a key that is refused is one that is read."""
    table = REFERENCE.partition("## Keys of an app file")[2].partition("\nKeys that")[0]
    keys = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    assert len(keys) == 15
    for key in keys[1:]:
        with pytest.raises(Invalid, match=key):
            read_app_file(f"id: x\n{key}: {'soon' if key == 'exec_timeout' else 3}\n")


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (PROVIDERS, "providers"),
        (RESERVED, "reserved names"),
        ([name for module in extensions.MODULES for name in module.NAMES], "extensions"),
    ],
)
def test_the_reference_names_all(names: list[str], what: str) -> None:
    assert [name for name in names if f"`{name}`" not in REFERENCE] == [], what


def test_the_settings_of_the_move_are_settings_of_the_server(tmp_path: Path) -> None:
    [text] = blocks(MOVE, "toml")
    (tmp_path / "anyrig.toml").write_text(text)
    settings = read(data=tmp_path)
    around = builds_around(settings, lambda _: None)
    assert settings.file_log_folders == (Path("/var/log/builds"),)
    assert (len(settings.trusted_proxies), set(around.redirect_hosts)) == (2, {"ci.example.com"})
    assert around.badge is not None
    assert around.robots is not None
    assert all(f"| `{name}` |" in MOVE for name in tomllib.loads(text))
