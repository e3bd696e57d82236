"""How a test pack describes its remote controls."""

from pathlib import Path

import pytest

from anyrig.core.devices import Remote
from anyrig.core.errors import Invalid
from anyrig.executors.python.remotes import remote


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pack" / "config" / "remote-control"
    folder.mkdir(parents=True)
    return folder


def pack(folder: Path) -> Path:
    return folder.parents[1]


def test_a_keymap_says_what_each_key_is_called(folder: Path) -> None:
    (folder / "keyboard.keymap").write_text(
        "# of a keyboard\nKEY_OK Return\n\n  KEY_UP\tUp   # upwards\n#KEY_NO No\nKEY_TWO ctrl + 2\n"
    )
    keys = {"KEY_OK": "Return", "KEY_UP": "Up", "KEY_TWO": "ctrl + 2"}
    assert remote("keyboard", pack(folder)) == Remote("keyboard", keys)


def test_the_words_of_lirc_are_handed_on(folder: Path) -> None:
    (folder / "vendor.lircd.conf").write_text("begin remote\nend remote\n")
    assert remote("vendor", pack(folder)) == Remote("vendor", {}, "begin remote\nend remote\n")


def test_a_keymap_and_lircs_words_go_together(folder: Path) -> None:
    (folder / "vendor.lircd.conf").write_text("begin remote\n")
    (folder / "vendor.keymap").write_text("KEY_OK OK\n")
    assert remote("vendor", pack(folder)) == Remote("vendor", {"KEY_OK": "OK"}, "begin remote\n")


def test_no_name_is_no_remote_control(tmp_path: Path) -> None:
    assert remote("", tmp_path) == Remote()


@pytest.mark.parametrize("name", ["roku_http", "x11", "none"])
def test_some_names_stand_for_themselves(tmp_path: Path, name: str) -> None:
    assert remote(name, tmp_path) == Remote(name)


def test_a_name_that_the_pack_does_not_have_is_told_with_those_that_it_has(folder: Path) -> None:
    (folder / "vendor.lircd.conf").touch()
    (folder / "keyboard.keymap").touch()
    (folder / "vendor.svg").touch()
    with pytest.raises(Invalid, match=r"no remote control 'vndor' .* are keyboard, vendor\.$"):
        remote("vndor", pack(folder))


def test_a_pack_without_any_says_so(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"there is none in config/remote-control\.$"):
        remote("vendor", tmp_path)


@pytest.mark.parametrize("name", ["../secret", "/etc/secret", "sub/secret", "..", "a\0b", "link"])
def test_a_name_never_leads_out_of_the_pack(folder: Path, name: str) -> None:
    for place in (folder.parent, folder / "sub"):
        place.mkdir(exist_ok=True)
        (place / "secret.keymap").write_text("KEY_OK Return\n")
    outside = pack(folder).parent / "outside.keymap"
    outside.write_text("KEY_OK Return\n")
    (folder / "link.keymap").symlink_to(outside)
    with pytest.raises(Invalid, match="no remote control"):
        remote(name, pack(folder))


def test_a_link_within_the_pack_is_followed(folder: Path) -> None:
    (pack(folder) / "shared.keymap").write_text("KEY_OK Return\n")
    (folder / "link.keymap").symlink_to("../../shared.keymap")
    assert remote("link", pack(folder)).keymap == {"KEY_OK": "Return"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"KEY_UP Up\nKEY_OK\n", "odd.keymap, line 2: 'KEY_OK' stands for nothing"),
        (b"KEY_OK \xff", "odd.keymap cannot be read"),
        (b"#" * (2 << 20), "is longer than 1048576 characters"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(folder: Path, content: bytes, reason: str) -> None:
    (folder / "odd.keymap").write_bytes(content)
    with pytest.raises(Invalid, match=reason):
        remote("odd", pack(folder))
