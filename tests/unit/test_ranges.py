"""Which bytes a request asks for, whatever it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyrig.core.errors import Invalid
from anyrig.server.ranges import names, offered, wanted

CONTENT = bytes(range(100))
NUMBERS = st.integers(0, 250)


@given(size=NUMBERS, first=NUMBERS, last=NUMBERS)
def test_a_range_gives_what_a_slice_gives(size: int, first: int, last: int) -> None:
    content = CONTENT[:size]
    span = wanted(f"bytes={first}-{last}", len(content))
    if last < first:
        assert span is None
    else:
        assert span is not None
        assert content[span.start : span.stop] == content[first : last + 1]


@given(size=NUMBERS, first=NUMBERS)
def test_an_open_range_goes_to_the_end(size: int, first: int) -> None:
    content = CONTENT[:size]
    span = wanted(f"bytes={first}-", len(content))
    assert span is not None
    assert content[span.start : span.stop] == content[first:]


@given(size=st.integers(1, 100), length=NUMBERS)
def test_a_suffix_range_gives_the_last_bytes(size: int, length: int) -> None:
    content = CONTENT[:size]
    span = wanted(f"bytes=-{length}", size)
    assert span is not None
    assert content[span.start : span.stop] == content[max(0, size - length) :]


def test_an_empty_object_has_no_last_bytes_and_is_given_whole() -> None:
    assert wanted("bytes=-5", 0) is None


@given(header=st.text() | st.from_regex(r"bytes=[-0-9, ]*"), size=NUMBERS)
def test_any_header_asks_for_bytes_of_the_object_or_for_all(header: str, size: int) -> None:
    span = wanted(header, size)
    assert span is None or 0 <= span.start <= span.stop <= size


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=1",
        "bytes=0-1,3-4",
        "lines=0-1",
        "bytes=٣-٤",
    ],
)
def test_what_is_no_single_range_is_ignored(header: str | None) -> None:
    assert wanted(header, 100) is None


def test_a_number_without_end_is_ignored() -> None:
    assert wanted("bytes=" + "9" * 5000 + "-", 100) is None


@given(size=st.integers(1, 10**15), data=st.data())
def test_an_upload_goes_on_at_its_offset(size: int, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, size - 1))
    header = f"bytes {offset}-{size - 1}/{size}"
    assert offered(header, str(size - offset)) == (offset, size)
    assert offered(header, None) == (offset, size)


def test_an_upload_without_a_range_is_whole() -> None:
    assert offered(None, "17") == (0, 17)


def test_an_upload_may_have_nothing_left_to_send() -> None:
    assert offered("bytes */10", "0") == (10, 10)


@pytest.mark.parametrize(
    ("header", "length"),
    [
        (None, None),
        ("bytes 0-4/10", "5"),
        ("bytes 0-9/10", "9"),
        ("bytes 0-9/*", "10"),
        ("bytes 7-9/8", "3"),
        ("bytes=0-9/10", "10"),
        ("bytes */10", "1"),
        ("", "10"),
    ],
)
def test_an_upload_that_does_not_reach_the_end_is_refused(header: str | None, length: str | None) -> None:
    with pytest.raises(Invalid):
        offered(header, length)


@given(header=st.text())
def test_any_content_range_is_understood_or_refused(header: str) -> None:
    try:
        offset, size = offered(header, None)
    except Invalid:
        return
    assert 0 <= offset <= size


@pytest.mark.parametrize("header", ['"a"', 'W/"a"', '"b", "a"', "*"])
def test_a_known_version_is_not_sent_again(header: str) -> None:
    assert names(header, '"a"')


@pytest.mark.parametrize("header", [None, "", "a", '"b"', '"aa"'])
def test_another_version_is_sent(header: str | None) -> None:
    assert not names(header, '"a"')
