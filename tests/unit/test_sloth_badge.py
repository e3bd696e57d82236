"""The badge that shows the state of a test's last run."""

import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.extensions import shields_io
from anyrig.core.extensions.base import BadExtension
from anyrig.server.dialects.sloth.badge import asked, svg

SVG = "{http://www.w3.org/2000/svg}"
PLAIN = shields_io.read({}, "")


def drawn(
    options: Mapping[str, object] | None = None,
    *,
    app: str = "docs",
    status: str = "Completed 2/2",
    level: str = "INFO",
) -> ET.Element:
    badge = shields_io.read(options or {}, "")
    return ET.fromstring(svg(badge, app, status, "2024-05-01 10:00", level))


def texts(image: ET.Element) -> list[str]:
    return [each.text or "" for each in image.iter(f"{SVG}text") if each.get("aria-hidden") is None]


def fills(image: ET.Element) -> list[str]:
    """Of the label and of the status."""
    return [each.get("fill", "") for each in image.iter(f"{SVG}rect")][1:3]


def test_a_badge_tells_the_name_the_status_and_the_time() -> None:
    assert texts(drawn()) == ["Sloth CI: docs", "Completed 2/2, 2024-05-01 10:00"]


def test_a_badge_can_be_read_aloud() -> None:
    image = drawn()
    said = "Sloth CI: docs: Completed 2/2, 2024-05-01 10:00"
    assert image.get("role") == "img"
    assert image.get("aria-label") == said
    assert image.findtext(f"{SVG}title") == said


@pytest.mark.parametrize(
    ("level", "color"),
    [
        ("INFO", "#44cc11"),
        ("WARNING", "#dfb317"),
        ("ERROR", "#e05d44"),
        ("CRITICAL", "#e05d44"),
        ("DEBUG", "#9f9f9f"),
        ("Never triggered", "#9f9f9f"),
    ],
)
def test_each_level_has_its_colour(level: str, color: str) -> None:
    assert fills(drawn(level=level)) == ["#555555", color]


@pytest.mark.parametrize(
    ("name", "color"),
    [
        ("blue", "#007ec6"),
        ("Orange", "#fe7d37"),
        ("grey", "#555555"),
        ("lightgray", "#9f9f9f"),
        ("#123ABC", "#123abc"),
        ("123abc", "#123abc"),
        ("#f0a", "#ff00aa"),
        ("chartreuse", "#9f9f9f"),
    ],
)
def test_colours_have_the_names_of_shields_io(name: str, color: str) -> None:
    assert fills(drawn({"colors": {"INFO": name, "CRITICAL": name}}))[1] == color
    assert fills(drawn({"colors": {"CRITICAL": name}}, level="CRITICAL"))[1] == color


def test_letters_are_dark_on_a_bright_ground() -> None:
    inks = [each.get("fill") for each in drawn({"colors": {"INFO": "#ff0"}}).iter(f"{SVG}text")]
    assert inks == ["#010101", "#fff", "#ccc", "#333"]


@pytest.mark.parametrize(
    ("style", "height", "radius", "shadows"),
    [
        ("flat", "20", "3", 2),
        ("flat-square", "20", "0", 0),
        ("plastic", "18", "4", 2),
        ("for-the-badge", "28", "0", 0),
    ],
)
def test_styles_differ(style: str, height: str, radius: str, shadows: int) -> None:
    image = drawn({"style": style})
    assert image.get("height") == height
    assert next(image.iter(f"{SVG}rect")).get("rx") == radius
    assert len([each for each in image.iter(f"{SVG}text") if each.get("aria-hidden")]) == shadows
    assert bool(list(image.iter(f"{SVG}linearGradient"))) == (style in {"flat", "plastic"})


def test_one_style_shouts() -> None:
    image = drawn({"style": "for-the-badge"})
    assert texts(image) == ["SLOTH CI: DOCS", "COMPLETED 2/2, 2024-05-01 10:00"]
    assert [each.get("font-weight") for each in image.iter(f"{SVG}text")] == [None, "bold"]


@pytest.mark.parametrize("style", shields_io.STYLES)
@pytest.mark.parametrize(
    "status", ["x", "Partially completed: 1/2", "WWWWWWWWWW", "größe", "日本語", "e\u0301" * 9]
)
def test_texts_lie_inside_their_grounds(style: str, status: str) -> None:
    image = drawn({"style": style}, status=status)
    grounds = list(image.iter(f"{SVG}rect"))[1:3]
    words = [each for each in image.iter(f"{SVG}text") if each.get("aria-hidden") is None]
    for ground, word in zip(grounds, words, strict=True):
        start, width = float(ground.get("x", "0")), float(ground.get("width", ""))
        first, length = float(word.get("x", "")), float(word.get("textLength", ""))
        assert start + 5 <= first
        assert first + length <= start + width - 5
    assert float(image.get("width", "")) == pytest.approx(
        sum(float(ground.get("width", "")) for ground in grounds), abs=0.15
    )


def test_wide_letters_get_more_room_than_narrow_ones() -> None:
    widths = [
        float(drawn({"status": "{status}"}, status=text).get("width", ""))
        for text in ("iiiiii", "nnnnnn", "WWWWWW", "日日日日日日日")
    ]
    assert widths == sorted(set(widths))


def test_an_accent_of_its_own_takes_no_room() -> None:
    widths = {drawn(status=text).get("width") for text in ("Zele", "Zelé".replace("é", "e\u0301"))}
    assert len(widths) == 1


def test_markup_in_a_text_is_text() -> None:
    evil = '</text><script>alert("x")</script>&amp;'
    image = drawn({"label": "{app}", "status": "{status}"}, app=evil, status=evil)
    assert texts(image) == [evil, evil]
    assert image.get("aria-label") == f"{evil}: {evil}"
    assert not list(image.iter(f"{SVG}script"))


def test_an_endless_text_is_cut() -> None:
    label, status = texts(drawn({"status": "{status}"}, app="x" * 5000, status="y" * 5000))
    assert len(label) == len(status) == 120
    assert status.endswith("…")


def test_lines_are_joined() -> None:
    assert texts(drawn({"status": "{status}"}, status="  a\n\tb\r\n"))[1] == "a b"


def test_two_badges_in_one_page_do_not_share_their_ids() -> None:
    def ids(image: ET.Element) -> set[str]:
        return {each.get("id", "") for each in image.iter() if each.get("id")}

    assert ids(drawn()).isdisjoint(ids(drawn(status="Build failed")))
    assert ids(drawn()).isdisjoint(ids(drawn({"style": "plastic"})))


@given(
    app=st.text(st.characters()), status=st.text(st.characters()), style=st.sampled_from(shields_io.STYLES)
)
def test_whatever_a_test_is_called_its_badge_is_xml(app: str, status: str, style: str) -> None:
    badge = shields_io.read({"style": style}, "")
    assert ET.fromstring(svg(badge, app, status, "now", "INFO")).tag == f"{SVG}svg"


def test_a_request_may_ask_for_another_badge() -> None:
    own = shields_io.read({"label": "mine", "colors": {"INFO": "blue"}}, "")
    badge = asked(own, {"action": "shield", "status": "{status}!", "style": "plastic", "unknown": "x"})
    assert (badge.label, badge.status, badge.style, badge.format) == ("mine", "{status}!", "plastic", "svg")
    assert badge.colors["INFO"] == "blue"
    assert asked(own, {"label": "{app}"}).label == "{app}"
    assert asked(own, {}) == own


def test_a_style_that_nobody_knows_is_the_flat_one() -> None:
    assert asked(PLAIN, {"style": "social"}).style == "flat"


@pytest.mark.parametrize(
    "query",
    [
        {"format": "png"},
        {"label": ""},
        {"label": "{status}"},
        {"label": "{app:>9999999999}"},
        {"label": "{app:{app}}"},
        {"label": "{app!r}"},
        {"label": "{app.__class__}"},
        {"label": "{app[0]}"},
        {"label": "{}"},
        {"label": "{"},
        {"label": "a}"},
        {"status": "{app}"},
        {"status": "{timestamp:%Y}"},
        {"status": "x" * 201},
        {"status": "a\0b"},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadExtension, match=re.compile("label|status|format")):
        asked(PLAIN, query)


def test_braces_may_stand_for_themselves() -> None:
    badge = asked(PLAIN, {"label": "{{{app}}}"})
    assert texts(ET.fromstring(svg(badge, "x", "", "", "INFO")))[0] == "{x}"
