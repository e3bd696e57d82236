"""What is remembered of builds, and what is forgotten."""

from anyrig.core.build_records import Level
from anyrig.core.builds import read_config
from anyrig.engine.known_builds import Build, KnownBuilds
from anyrig.storage.sql.builds import Kept

CONFIG = read_config({"id": "shop"})
MOST = 1000


def build(number: int, listen_point: str = "shop") -> Build:
    return Build(Kept(number, listen_point, "builds", number, b"", None, 0, "ada"), CONFIG, "id: shop")


def test_a_build_is_known_by_its_number_and_by_where_it_listens() -> None:
    known = KnownBuilds()
    assert (known.get(1), known.listening("shop")) == (None, None)
    known.put(1, CONFIG, "id: shop")
    assert known.found(build(1)) == build(1)
    assert (known.get(1), known.listening("shop")) == ((CONFIG, "id: shop"), build(1))
    known.found(build(2))
    assert known.listening("shop") == build(2)


def test_what_was_asked_for_last_is_forgotten_last() -> None:
    known = KnownBuilds()
    for number in range(MOST):
        known.put(number, CONFIG, "")
    assert known.get(0) is not None
    known.put(MOST, CONFIG, "")
    assert known.get(1) is None
    assert known.get(0) is not None
    assert known.get(MOST) is not None


def test_an_end_is_known_also_if_nothing_was_said_of_it() -> None:
    known = KnownBuilds()
    known.ended("/any/1", (Level.INFO, "Completed 1/1"))
    known.ended("/any/2", None)
    assert [known.has_ended(f"/any/{number}") for number in (1, 2, 3)] == [True, True, False]
    assert [known.end(f"/any/{number}") for number in (1, 2, 3)] == [
        (Level.INFO, "Completed 1/1"),
        None,
        None,
    ]


def test_only_so_much_is_remembered() -> None:
    known = KnownBuilds()
    for number in range(2 * MOST):
        known.found(build(number, f"shop-{number}"))
        known.ended(f"/any/{number}", None)
    assert sum(known.listening(f"shop-{number}") is not None for number in range(2 * MOST)) == MOST
    assert sum(known.has_ended(f"/any/{number}") for number in range(2 * MOST)) == MOST
    assert known.has_ended(f"/any/{2 * MOST - 1}")
