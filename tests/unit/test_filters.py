"""The filter language: what it accepts, what it means, what it refuses, and that it prints what it read."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyrig.core.errors import BadField, BadFilter
from anyrig.core.filters import (
    LIMITS,
    NEWEST_FIRST,
    And,
    Everything,
    Filter,
    InRange,
    JobIs,
    JobUnder,
    NameLike,
    NameUnder,
    Not,
    Or,
    RangeField,
    ReasonHas,
    ShaBegins,
    Sort,
    SortField,
    TagIs,
    TextIs,
    VerdictIs,
    Word,
    parse_sort,
    to_text,
)
from anyrig.core.results import Verdict
from anyrig.engine import filtering
from anyrig.engine.filter_grammar import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, parse

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
ZONES = ["UTC", "Europe/Paris", "America/Sao_Paulo", "America/Havana", "Asia/Kathmandu", "Pacific/Apia"]
JOB = "/stb-tester-abcdef123456/0a23/972"


def at(iso: str | None) -> int | None:
    """Microseconds since the epoch."""
    if iso is None:
        return None
    return (datetime.fromisoformat(iso) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


NOW = at("2024-08-24T22:30:00Z") or 0


def read(text: str, tz: str = "UTC") -> Filter:
    return parse(text, tz, NOW)


def complaint(text: str, tz: str = "UTC") -> str:
    with pytest.raises(BadFilter) as caught:
        read(text, tz)
    return str(caught.value)


@pytest.mark.parametrize("text", ["", "   ", "\n", "()"])
def test_an_empty_filter_is_everything(text: str) -> None:
    assert read(text) == Everything()


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (f"job:{JOB}", JobIs(JOB)),
        ("job:/stb-tester-abcdef123456", JobUnder("/stb-tester-abcdef123456")),
        ("job:/node/0a23", JobUnder("/node/0a23")),
        ("job:node/0a23/", JobUnder("/node/0a23")),
        ("category:refs/snapshots/tester", TextIs("category", "refs/snapshots/tester")),
        ("category:50%[a]", TextIs("category", "50%[a]")),
        ("testcase:tests/epg.py", NameUnder("tests/epg.py")),
        ("testcase:tests/epg.py::", NameUnder("tests/epg.py")),
        ("testcase:tests/", NameUnder("tests")),
        (
            "testcase:tests/epg.py::test_that_epg_is_populated",
            NameUnder("tests/epg.py::test_that_epg_is_populated"),
        ),
        ("testcase:*epg*", NameLike("*epg*")),
        ('testcase:="test[*]"', TextIs("testcase", "test[*]")),
        ("result:fail", VerdictIs(Verdict.FAIL)),
        ("result:=PASS", VerdictIs(Verdict.PASS)),
        ("node:rack-3", TextIs("node", "rack-3")),
        ("user:ann", TextIs("user", "ann")),
        ('failure_reason:"EPG is empty"', ReasonHas("EPG is empty")),
        ('failure_reason:="EPG is empty"', TextIs("failure_reason", "EPG is empty")),
        ("sha:C2C82CAD", ShaBegins("c2c82cad")),
        ("tag:flaky", TagIs("flaky", None)),
        ("tag:flaky=", TagIs("flaky", "")),
        ("tag:jenkins/BUILD_URL=http://ci:8080/?a=b", TagIs("jenkins/BUILD_URL", "http://ci:8080/?a=b")),
        ('tag:model="T 1000"', TagIs("model", "T 1000")),
        ('tag:"model=T 1000"', TagIs("model", "T 1000")),
    ],
)
def test_a_term_asks_for_one_field(text: str, meaning: Filter) -> None:
    assert read(text) == meaning


def test_the_name_of_a_field_may_be_written_in_capitals() -> None:
    assert read("Job:/a DATE:2024-08-24") == read("job:/a date:2024-08-24")


@pytest.mark.parametrize(
    "word", ["epg", "tests/epg.py::test_x", "menu::test_x", "ORANGE", "NOTHING", "or", "a-b", "12:30", ">3"]
)
def test_a_bare_value_is_a_word(word: str) -> None:
    assert read(word) == Word(word)


@pytest.mark.parametrize(
    ("quoted", "text"),
    [
        ('"two words"', "two words"),
        ('"-x"', "-x"),
        ('"OR"', "OR"),
        ('"job:/a"', "job:/a"),
        (r'"say \"no\""', 'say "no"'),
        (r'"back\\slash \d"', r"back\slash \d"),
        ('"two\nlines"', "two\nlines"),
        ('a" b"c', "a bc"),
    ],
)
def test_quotes_take_every_character_as_it_is(quoted: str, text: str) -> None:
    assert read(quoted) == Word(text)


@pytest.mark.parametrize("text", ["a b", "a AND b", "a  \n b", "(a)b", "a (b)", "((a) (b))"])
def test_terms_side_by_side_must_all_hold(text: str) -> None:
    assert read(text) == And((Word("a"), Word("b")))


def test_and_binds_closer_than_or() -> None:
    a, b, c = Word("a"), Word("b"), Word("c")
    assert read("a b OR c") == Or((And((a, b)), c))
    assert read("a (b OR c)") == And((a, Or((b, c))))
    assert read("a OR b OR c") == Or((a, b, c))


@pytest.mark.parametrize("text", ["NOT a b", "-a b", "NOT(a) b", "-(a) b", "NOT a AND b"])
def test_not_binds_closest(text: str) -> None:
    assert read(text) == And((Not(Word("a")), Word("b")))


def test_a_term_can_be_left_out_by_a_minus() -> None:
    assert read("-tag:flaky") == Not(TagIs("flaky", None))
    assert read("--a") == Not(Not(Word("a")))


@pytest.mark.parametrize(
    ("text", "least", "below"),
    [
        ('date:>"2024-08-24T14:46:35.354791"', "2024-08-24T14:46:35.354792Z", None),
        ('date:<"2024-08-24T14:46:35.354791"', None, "2024-08-24T14:46:35.354791Z"),
        ("date:>=2024-08-24T14:46:35", "2024-08-24T14:46:35Z", None),
        ("date:>2024-08-24T14:46", "2024-08-24T14:46:00.000001Z", None),
        ("date:<=2024-08-24T14:46", None, "2024-08-24T14:46:00.000001Z"),
        ("date:2024-08-24", "2024-08-24T00:00:00Z", "2024-08-25T00:00:00Z"),
        ("date:=2024-08-24", "2024-08-24T00:00:00Z", "2024-08-25T00:00:00Z"),
        ("date:>2024-08-24", "2024-08-25T00:00:00Z", None),
        ("date:>=2024-08-24", "2024-08-24T00:00:00Z", None),
        ("date:<2024-08-24", None, "2024-08-24T00:00:00Z"),
        ("date:<=2024-08-24", None, "2024-08-25T00:00:00Z"),
        ("date:2024-08-24T14:46", "2024-08-24T14:46:00Z", "2024-08-24T14:47:00Z"),
        ("date:2024-08-24t14:46:35", "2024-08-24T14:46:35Z", "2024-08-24T14:46:36Z"),
        ("date:2024-08-24T14:46:35.25", "2024-08-24T14:46:35.25Z", "2024-08-24T14:46:35.26Z"),
        ("date:2024-08-24T14:46:35.354791", "2024-08-24T14:46:35.354791Z", "2024-08-24T14:46:35.354792Z"),
        ("date:2024-08-24T14:46:35.354791999", "2024-08-24T14:46:35.354791Z", "2024-08-24T14:46:35.354792Z"),
        ("date:2024-08-01..2024-08-31", "2024-08-01T00:00:00Z", "2024-09-01T00:00:00Z"),
        ('date:"2024-08-24 14:00..2024-08-24 15:00"', "2024-08-24T14:00:00Z", "2024-08-24T15:00:00Z"),
        ("date:today", "2024-08-24T00:00:00Z", "2024-08-25T00:00:00Z"),
        ("date:Yesterday", "2024-08-23T00:00:00Z", "2024-08-24T00:00:00Z"),
        ("date:>=-7d", "2024-08-17T22:30:00Z", None),
        ("date:<-90m", None, "2024-08-24T21:00:00Z"),
        ("date:-2w..today", "2024-08-10T22:30:00Z", "2024-08-25T00:00:00Z"),
    ],
)
def test_a_date_is_a_half_open_range_of_microseconds(text: str, least: str | None, below: str | None) -> None:
    assert read(text) == InRange("date", at(least), at(below))


@pytest.mark.parametrize(
    "text",
    [
        "date:>2024-08-24T14:46:35+02:00",
        "date:>2024-08-24T14:46:35+0200",
        'date:>"2024-08-24 14:46:35+02:00"',
        "date:>2024-08-24T12:46:35Z",
        "date:>2024-08-24T12:46:35z",
        "date:>2024-08-24T09:46:35-03:00",
    ],
)
def test_a_zone_in_the_date_outweighs_the_default_zone(text: str) -> None:
    assert read(text, "Asia/Tokyo") == InRange("date", at("2024-08-24T12:46:35.000001Z"), None)


@pytest.mark.parametrize(
    ("received", "sent"),
    [
        ("2024-08-24T14:46:35 02:00", "2024-08-24T14:46:35+02:00"),
        ("2024-08-24 14:46:35 02:00", "2024-08-24T14:46:35+02:00"),
        ("2024-08-24 14:46", "2024-08-24T14:46"),
    ],
)
def test_a_plus_that_a_url_turned_into_a_space_is_understood(received: str, sent: str) -> None:
    assert read(f"date:>{received} x") == read(f'date:>"{received}" x') == read(f"date:>{sent} x")


def test_a_date_without_a_zone_is_in_the_default_zone() -> None:
    assert read("date:>=2024-08-24T14:46", "Europe/Paris") == read("date:>=2024-08-24T12:46Z")
    assert read("date:today", "Europe/Paris") == read("date:2024-08-25", "Europe/Paris")


@pytest.mark.parametrize(
    ("day", "tz", "length"),
    [
        ("2024-08-24", "Europe/Paris", 24 * HOUR),
        ("2024-03-31", "Europe/Paris", 23 * HOUR),
        ("2024-10-27", "Europe/Paris", 25 * HOUR),
        ("2018-11-04", "America/Sao_Paulo", 23 * HOUR),  # midnight itself is left out
        ("2024-11-03", "America/Havana", 25 * HOUR),  # midnight comes twice
        ("2024-04-07", "Australia/Lord_Howe", 24 * HOUR + HOUR // 2),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(day: str, tz: str, length: int) -> None:
    found = read(f"date:{day}", tz)
    assert isinstance(found, InRange)
    assert (found.below or 0) - (found.least or 0) == length


def test_a_time_that_comes_twice_is_the_first_and_one_that_is_left_out_is_as_before_the_change() -> None:
    assert read("date:2024-10-27T02:30", "Europe/Paris") == read("date:2024-10-27T02:30+02:00")
    assert read("date:2024-03-31T02:30", "Europe/Paris") == read("date:2024-03-31T02:30+01:00")


def test_a_day_that_a_zone_left_out_is_refused() -> None:
    assert "takes no time" in complaint("date:2011-12-30", "Pacific/Apia")


@pytest.mark.parametrize("zone", ZONES)
def test_dates_at_the_ends_of_time_stay_within_limits(zone: str) -> None:
    first, last = LIMITS["date"]
    for text in ("0001-01-01", "9999-12-31", "-999999w", "0001-01-01T00:00", "9999-12-31T23:59:59.999999"):
        found = read(f"date:>={text} OR date:<={text}", zone)
        assert isinstance(found, Or)
        for part in found.parts:
            assert isinstance(part, InRange)
            assert all(first <= bound <= last for bound in (part.least, part.below) if bound is not None)


@settings(deadline=None)
@given(st.dates(date(1970, 1, 2), date(2100, 1, 1)), st.sampled_from(ZONES))
def test_a_day_begins_where_the_day_before_ends(day: date, zone: str) -> None:
    before = read(f"date:<{day}", zone)
    assert before == read(f"date:<={day - timedelta(days=1)}", zone)


@pytest.mark.parametrize(
    ("text", "least", "below"),
    [
        ("duration:>10", 10 * SECOND + 1, None),
        ("duration:>=10s", 10 * SECOND, None),
        ("duration:<2m", None, 120 * SECOND),
        ("duration:<=1h", None, HOUR + 1),
        ("duration:10", 10 * SECOND, 11 * SECOND),
        ("duration:=2.5", 2_500_000, 2_600_000),
        ("duration:1.5m", 90 * SECOND, 96 * SECOND),
        ("duration:0.000001", 1, 2),
        ("duration:10..1m", 10 * SECOND, 60 * SECOND),
        ("duration:<999999999999999h", None, 2**63 - 1),
    ],
)
def test_a_duration_is_a_half_open_range_of_microseconds(
    text: str, least: int | None, below: int | None
) -> None:
    assert read(text) == InRange("duration", least, below)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("colour:red", "at character 1: there is no field 'colour'; the fields are job, category, testcase,"),
        ("a colour:>3", "at character 3: there is no field 'colour'"),
        ("date:soon", "'soon' is not a date; dates are written as 2024-08-24"),
        ("date:2024-02-30", "'2024-02-30' is not a date"),
        ("date:2024-08-24T25:00", "'2024-08-24T25:00' is not a date"),
        ("date:2024-08-24T14:46+99:00", "is not a date"),
        ("date:2024-08-24T14:46:35.", "is not a date"),
        ("date:" + "9" * 100, f"'{'9' * 60}…' is not a date"),
        ("date:-7d", "'-7d' takes no time; put '>' or '<' before it"),
        ("date:2024-08-24..2024-08-22", "a range is an earlier value, '..' and a later value"),
        ("date:>2024-08-22..2024-08-24", "with no operator before it"),
        ("duration:long", "'long' is not a duration; durations are written as 10, 2.5s, 2m and 1h"),
        ("duration:-1", "'-1' is not a duration"),
        ("result:passed", "'passed' is not a result; results are pass, fail and error"),
        ("sha:HEAD", "'HEAD' is not the beginning of a commit's hexadecimal digits"),
        ("job:/", "'/' is neither a job such as"),
        ("job:/a//1", "'/a//1' is neither a job such as"),
        ("testcase:/", "'/' is not the name of a test"),
        ('tag:"=x"', "'=x' has no tag's name before the '='"),
        ("category:>x", "'>' works with date and duration only"),
        ('category:""', "at character 1: the text is empty"),
        ('x ""', "at character 3: the text is empty"),
        ("category: result:pass", "the value must follow 'category:' without a space"),
        ("category:", "at the end: a field has no value"),
        ("date:>", "at the end: a field has no value"),
        ("category:(a)", "at character 10: '(' is not expected here"),
        ("(a", "at the end: a '(' is not closed"),
        ("a)", "at character 2: ')' is not expected here"),
        ("a OR", "at the end: a term is missing"),
        ("OR a", "at character 1: 'OR' is not expected here"),
        ("a OR AND b", "at character 6: 'AND' is not expected here"),
        ("a - b", "at character 3: '-' is not expected here"),
        ('a "b', "at character 3: a quote is not closed"),
        ("a\0", "at character 2: this is not text"),
        ("\ud800", "at character 1: this is not text"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_with_the_reason(text: str, reason: str) -> None:
    assert reason in complaint(text)


@pytest.mark.parametrize(
    "tz", ["", "Mars/Olympus", "America", "../UTC", "zone.tab", "a\0", "\ud800", "x" * 5000]
)
@pytest.mark.parametrize("text", ["", "date:2024-08-24"])
def test_an_unknown_time_zone_is_refused_even_if_no_date_needs_it(text: str, tz: str) -> None:
    complaint(text, tz).encode()
    assert "there is no time zone" in complaint(text, tz)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(" * 10_000, "a '(' is not closed"),
        ("(" * 10_000 + "a" + ")" * 10_000, f"{MAX_LENGTH} are allowed"),
        ("(" * 4_000 + "a" + ")" * 4_000, f"{MAX_DEPTH} levels are allowed"),
        ("-" * 9_000 + "a", f"{MAX_DEPTH} levels are allowed"),
        ("(a OR (b " * 900 + "c" + "))" * 900, f"{MAX_TERMS} are allowed"),
        ("(a OR (b " * 90 + "c" + "))" * 90, f"{MAX_DEPTH} levels are allowed"),
        ("a " * (MAX_TERMS + 1), f"it has {MAX_TERMS + 1} terms, and {MAX_TERMS} are allowed"),
        ('"' * 9_999, "a quote is not closed"),
        ("a" * (MAX_LENGTH + 1), f"it has {MAX_LENGTH + 1} characters, and {MAX_LENGTH} are allowed"),
    ],
)
def test_a_filter_of_absurd_size_is_refused(text: str, reason: str) -> None:
    assert reason in complaint(text)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("", ""),
        ("( )  a", "() a"),
        (f"JOB:{JOB}   AND category:nightly", f"job:{JOB} category:nightly"),
        ("a b OR -(c d)", "(a b) OR NOT (c d)"),
        ("NOT -(a)", "NOT NOT a"),
        ('"AND" "a:b" "a b"', '"AND" "a:b" "a b"'),
        ('tag:model="T 1000"', 'tag:"model=T 1000"'),
        ("testcase:=tests/a.py", "testcase:=tests/a.py"),
        ("date:2024-08-24", "date:2024-08-24T00:00:00Z..2024-08-25T00:00:00Z"),
        ("date:>-7d", "date:>=2024-08-17T22:30:00.000001Z"),
        ("duration:<1.5m", "duration:<90"),
        ("duration:0.5", "duration:0.5..0.6"),
    ],
)
def test_a_filter_is_printed_in_one_canonical_form(text: str, printed: str) -> None:
    assert to_text(read(text)) == printed


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
parts = texts.filter(lambda text: "/" not in text)
uids = st.lists(parts, min_size=1, max_size=3).map(lambda names: "/" + "/".join(names))
test_names = texts.filter(lambda text: "*" not in text and not text.endswith(("/", "::")))


def ranges(field: RangeField) -> st.SearchStrategy[Filter]:
    bound = st.integers(*LIMITS[field])
    both = st.tuples(bound, bound).map(lambda pair: InRange(field, min(pair), max(pair)))
    return both | bound.map(lambda x: InRange(field, x, None)) | bound.map(lambda x: InRange(field, None, x))


terms: st.SearchStrategy[Filter] = st.one_of(
    st.just(Everything()),
    uids.map(lambda uid: JobIs(uid) if uid.count("/") == 3 else JobUnder(uid)),
    st.builds(NameUnder, test_names),
    st.builds(NameLike, st.tuples(texts, texts).map("*".join)),
    st.builds(TextIs, st.sampled_from(["category", "testcase", "node", "user", "failure_reason"]), texts),
    st.builds(ReasonHas, texts),
    st.builds(ShaBegins, st.text("0123456789abcdef", min_size=1, max_size=64)),
    st.builds(VerdictIs, st.sampled_from(Verdict)),
    ranges("date"),
    ranges("duration"),
    st.builds(TagIs, texts.filter(lambda name: "=" not in name), st.none() | st.just("") | texts),
    st.builds(Word, texts | st.sampled_from(["AND", "OR", "NOT", "-a", "date:today", "(", '\\"'])),
)


def combined(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return st.builds(Not, inner) | st.builds(And, several) | st.builds(Or, several)


fragments = st.sampled_from(
    [
        *("(", ")", " ", "-", '"', "\\", ":", "=", ">", "<=", "..", "*", "AND ", "OR ", " NOT ", "a", "x/y"),
        *("job:", "date:", "duration:", "tag:", "result:", "testcase:", "sha:", "colour:", "failure_reason:"),
        *("2024-08-24", "T14:46", " 14:46:35.5", "+02:00", "-7d", "today", "10", "2m", "pass", "/n/0a23/1"),
    ]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(terms, combined, max_leaves=20), st.sampled_from(ZONES), st.integers(0, NOW))
def test_a_filter_printed_and_read_again_is_the_same_filter(wanted: Filter, tz: str, now: int) -> None:
    assert parse(to_text(wanted), tz, now) == wanted


@settings(deadline=None, max_examples=300)
@given(st.text() | st.lists(fragments, max_size=15).map("".join), st.sampled_from(ZONES))
def test_any_text_is_a_filter_that_prints_or_is_refused_as_a_bad_filter(text: str, tz: str) -> None:
    try:
        found = read(text, tz)
    except BadFilter:
        return
    assert parse(to_text(found), "UTC", 0) == found


def test_a_filter_as_deep_as_allowed_can_be_printed_and_read_again() -> None:
    levels = MAX_DEPTH // 2 - 1
    deep = read("a (b c OR d " * levels + "e" + ")" * levels)
    assert read(to_text(deep)) == deep


@pytest.mark.parametrize("field", list(SortField))
def test_results_can_be_sorted_up_and_down(field: SortField) -> None:
    assert parse_sort(f"{field}:asc") == Sort(field, descending=False)
    assert parse_sort(f"{field}:desc") == Sort(field, descending=True)


def test_the_default_order_is_newest_first() -> None:
    assert parse_sort("date:desc") == NEWEST_FIRST


@pytest.mark.parametrize("text", ["date:today", "DATE:>-1d", "result:pass (Date:>=yesterday)"])
def test_a_filter_that_is_read_again_later_means_its_own_time(text: str) -> None:
    day = 86_400_000_000
    for now in (NOW, NOW + 2 * day, NOW):
        assert filtering.parse(text, "UTC", now) == parse(text, "UTC", now)
    assert filtering.parse(text, "UTC", NOW) != filtering.parse(text, "UTC", NOW + 2 * day)


@pytest.mark.parametrize("text", ["", "result:pass", "testcase:tests/update.py", "duration:>1m"])
def test_a_filter_that_is_read_again_is_the_same(text: str) -> None:
    for now in (NOW, NOW + 1):
        assert filtering.parse(text, "UTC", now) == parse(text, "UTC", now)


def test_a_filter_that_was_refused_is_refused_again() -> None:
    for _ in range(2):
        with pytest.raises(BadFilter):
            filtering.parse("colour:red", "UTC", NOW)


@pytest.mark.parametrize(
    "text", ["", "date", "date:", "date:up", "colour:asc", ":desc", "date:desc:", "DATE:desc"]
)
def test_an_unknown_order_is_refused(text: str) -> None:
    with pytest.raises(
        BadField, match=r"field 'sort' is not valid: .* category, date, duration, job, testcase"
    ):
        parse_sort(text)
