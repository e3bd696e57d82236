"""Reservations in stb-tester's words, as its document has them."""

from typing import Any

import pytest

from anyrig.core.errors import BadField, NotFound, ReservationOver
from anyrig.core.reservations import Reservation
from anyrig.engine.reserve import Wanted
from anyrig.server.dialects.stbt import wire, wire_reservations

START = 1_675_768_936_750_000
TEXT = "Overnight soak\n\nSee ticket 12345"


def test_a_reservation_has_every_field_of_the_document() -> None:
    one = Reservation(2, "stb-tester-000000000001", "johnsmith", TEXT, START, START + 3_600_000_000)
    shown = wire_reservations.reservation_json(one, "johnsmith")
    assert shown == {
        "expires": "2023-02-07T12:22:16+00:00",
        "message": TEXT,
        "message_html": "<p>Overnight soak</p>\n<p>See ticket 12345</p>",
        "node_id": "stb-tester-000000000001",
        "reservation_id": 2,
        "reserved_by_you": True,
        "start_time": "2023-02-07T11:22:16+00:00",
        "username": "johnsmith",
    }
    assert wire_reservations.reservation_json(one, "ada")["reserved_by_you"] is False


def test_one_that_never_expires_says_so() -> None:
    one = Reservation(2, "tv1", "ada", "", START, None)
    assert wire_reservations.reservation_json(one, "ada")["expires"] is None


def test_a_request_is_read() -> None:
    body = {"node_ids": ["a", "b"], "message": "m", "duration_secs": 12 * 60 * 60, "other": 1}
    assert wire_reservations.wanted(body) == Wanted(("a", "b"), "m", 43_200)
    for endless in ({}, {"duration_secs": None}):
        assert wire_reservations.wanted({"node_ids": ["a"], "message": "m"} | endless).seconds is None


NO_NODES: tuple[Any, ...] = (None, [], "tv1", [1], ["a", "a"], {})
NO_MESSAGE: tuple[Any, ...] = (None, "", 1, ["x"], "\ud800")
NO_SECONDS: tuple[Any, ...] = (0, -1, "60", 1.5, True, 10**15)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        *(({"node_ids": value}, "node_ids") for value in NO_NODES),
        *(({"message": value}, "message") for value in NO_MESSAGE),
        *(({"duration_secs": value}, "duration_secs") for value in NO_SECONDS),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadField, match=field):
        wire_reservations.wanted({"node_ids": ["a"], "message": "m", "duration_secs": 1} | change)


@pytest.mark.parametrize("body", [{}, {"duration_secs": None}, {"duration_secs": False}])
def test_an_extension_needs_a_duration(body: dict[str, Any]) -> None:
    with pytest.raises(BadField, match="duration_secs"):
        wire_reservations.seconds(body)


def test_a_reservation_is_named_by_its_number() -> None:
    assert wire_reservations.number("12") == 12
    for part in ("x", "-1", "1.0", "²"):
        with pytest.raises(BadField, match="reservation_id"):
            wire_reservations.number(part)
    with pytest.raises(NotFound):
        wire_reservations.number("9" * 5000)


def test_extending_what_is_over_is_a_bad_request_here() -> None:
    assert wire.status_of(ReservationOver(number=1, node="tv1")) == 400
