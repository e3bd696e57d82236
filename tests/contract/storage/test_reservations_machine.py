"""No sequence of calls leaves a node stuck or doubly reserved: the engine's own transactions, on real SQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from lab_rows import LAB, NOW, accepted, add_nodes, finished, ingested, the_end
from sqlalchemy import text

from anyrig.core import reservations as rules
from anyrig.core.errors import AnyrigError, NodesNotFree, NotYourReservation, ReservationOver
from anyrig.core.jobs import HOLDS_NODE, State
from anyrig.core.messages import Presence
from anyrig.core.placement import why_not
from anyrig.core.records import Task
from anyrig.core.reservations import Reservation
from anyrig.core.users import Principal, Role
from anyrig.engine import stop, submit
from anyrig.engine.reserve import Wanted, change_in, end_overdue_in, reserve_in
from anyrig.storage.schema import metadata
from anyrig.storage.sql import jobs, nodes, tasks
from anyrig.storage.sql import reservations as sql
from anyrig.storage.sqlite import sqlite_engine

NODES = ("tv1", "tv2", "tv3")
USERS = st.sampled_from(["ada", "bob"])
NAMES = st.sampled_from(NODES)
PICKS = st.integers(0, 7)
SECOND = 1_000_000


class Lab(RuleBasedStateMachine):
    """Two users, three nodes, and the time."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = sqlite_engine("sqlite://")
        self.c = self.engine.connect()
        metadata.create_all(self.c)
        self.now = NOW

    def teardown(self) -> None:
        self._everybody_leaves()
        self.c.close()
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.c.exec_driver_sql("SAVEPOINT use_case")
        try:
            yield
        except AnyrigError:
            self.c.exec_driver_sql("ROLLBACK TO use_case")
            raise
        finally:
            self.c.exec_driver_sql("RELEASE use_case")

    @initialize()
    def enrol(self) -> None:
        add_nodes(self.c, *NODES)

    @rule(user=USERS, names=st.lists(NAMES, min_size=1, unique=True), seconds=st.none() | st.integers(1, 120))
    def reserve(self, user: str, names: list[str], seconds: int | None) -> None:
        before = {node.name: rules.why_not(node) for node in nodes.for_placement(self.c, self.now)}
        held = self.held()
        try:
            with self.transaction():
                made, _ = reserve_in(self.c, user, Wanted(tuple(names), "", seconds), self.now)
        except NodesNotFree as refused:
            told = refused.fields["nodes"]
            assert isinstance(told, dict)
            assert told
            assert self.held() == held
        else:
            assert [one.node for one in made] == names
            assert all(before[name] is None for name in names)

    @rule(user=USERS, pick=PICKS, seconds=st.integers(1, 60))
    def extend(self, user: str, pick: int, seconds: int) -> None:
        one = self.any_reservation(pick)
        if one is None:
            return
        stands = rules.as_of(one, self.now)
        try:
            with self.transaction():
                after, _ = change_in(
                    self.c, one.number, lambda held: rules.extended(held, user, seconds, self.now), self.now
                )
        except NotYourReservation:
            assert user != one.user
        except ReservationOver:
            assert stands.state is not rules.State.HELD
        else:
            assert user == one.user
            assert after.expires == (None if one.expires is None else one.expires + seconds * SECOND)

    @rule(user=USERS, pick=PICKS)
    def end(self, user: str, pick: int) -> None:
        one = self.any_reservation(pick)
        if one is None:
            return
        try:
            with self.transaction():
                change_in(self.c, one.number, lambda held: rules.ended(held, user, self.now), self.now)
        except NotYourReservation:
            assert user != one.user
        else:
            assert one.number not in {held.number for held in self.held()}

    @rule(user=USERS, pick=PICKS)
    def interrupt(self, user: str, pick: int) -> None:
        one = self.any_reservation(pick)
        if one is None:
            return
        with self.transaction():
            change_in(
                self.c, one.number, lambda held: rules.interrupted(held, user, "Needed", self.now), self.now
            )
        assert one.number not in {held.number for held in self.held()}

    @rule(seconds=st.integers(1, 90), noticed=st.booleans())
    def time_passes(self, seconds: int, noticed: bool) -> None:
        """With a server that writes down what expires, or without one."""
        self.now += seconds * SECOND
        for name in NODES:
            nodes.seen(self.c, name, Presence("boot", "1", "lab", "10.0.0.1"), self.now)
        if noticed:
            with self.transaction():
                end_overdue_in(self.c, self.now)

    @rule(user=USERS, node=st.none() | NAMES, queue=st.booleans())
    def run(self, user: str, node: str | None, queue: bool) -> None:
        wanted = submit.Submission(
            project="tv", kind="python", tests=("tests/a.py::test_a",), sha="ab" * 20, node=node, queue=queue
        )
        try:
            with self.transaction():
                submit._insert(self.c, LAB, user, wanted, self.now)
        except AnyrigError:
            assert not queue

    @precondition(lambda self: bool(self.held()))
    @rule(pick=PICKS)
    def run_on_what_one_has_reserved(self, pick: int) -> None:
        held = self.held()
        one = held[pick % len(held)]
        self.run(one.user, one.node, queue=True)

    @precondition(lambda self: bool(tasks.live(self.c)))
    @rule(user=USERS, pick=PICKS)
    def stop(self, user: str, pick: int) -> None:
        task = self.live_task(pick)
        owner = {held.node: held.user for held in self.held()}.get(task.node or "", user)
        try:
            with self.transaction():
                stop._stop(self.c, Principal(user, Role.OPERATOR, "t"), task.job_uid, self.now)
        except AnyrigError:
            assert owner != user
        else:
            assert owner == user

    @precondition(lambda self: bool(tasks.live(self.c)))
    @rule(pick=PICKS)
    def stop_what_runs_for_another(self, pick: int) -> None:
        job = jobs.by_number(self.c, self.live_task(pick).job)
        self.stop("ada" if job is not None and job.user == "bob" else "bob", pick)

    @precondition(lambda self: bool(tasks.live(self.c)))
    @rule(pick=PICKS)
    def finish(self, pick: int) -> None:
        self._finish(self.live_task(pick))

    @invariant()
    def a_node_has_one_reservation_at_most(self) -> None:
        names = [one.node for one in self.held()]
        assert len(set(names)) == len(names)
        rows = self.c.execute(text("SELECT node FROM reservations WHERE ended IS NULL")).scalars().all()
        assert len(set(rows)) == len(rows)

    @invariant()
    def a_reserved_node_runs_only_its_owners_jobs(self) -> None:
        owners = {one.node: one.user for one in self.held()}
        for task in tasks.live(self.c):
            job = jobs.by_number(self.c, task.job)
            assert job is not None
            assert owners.get(task.node or "", job.user) == job.user

    @invariant()
    def nobody_waits_for_a_node_that_is_free_for_them(self) -> None:
        if sql.overdue(self.c, self.now):
            return
        stands = nodes.for_placement(self.c, self.now)
        for waiting in tasks.waiting(self.c):
            for node in stands:
                if waiting.node in {None, node.name}:
                    assert why_not(waiting, node) is not None

    def held(self) -> list[Reservation]:
        return sql.held(self.c, self.now)

    def any_reservation(self, pick: int) -> Reservation | None:
        found = sql.page(self.c, 8)
        return found[pick % len(found)] if found else None

    def live_task(self, pick: int) -> Task:
        live = tasks.live(self.c)
        return live[pick % len(live)]

    def _finish(self, task: Task) -> None:
        node = task.node or ""
        with self.transaction():
            attempt = task.attempt or accepted(self.c, task.number, node, now=self.now)
            ingested(self.c, task.number, node, finished(), the_end(), attempt=attempt, now=self.now)

    def _everybody_leaves(self) -> None:
        """Then every job comes to its end, and every node can be reserved: nothing is stuck."""
        for one in self.held():
            with self.transaction():
                change_in(self.c, one.number, lambda held: rules.ended(held, held.user, self.now), self.now)
        with self.transaction():
            end_overdue_in(self.c, self.now)
        while live := tasks.live(self.c):
            for task in live:
                self._finish(task)
        assert not tasks.waiting(self.c)
        assert {job.state for job in jobs.page(self.c, 1000)} <= {State.FINISHED, State.STOPPED}
        assert not HOLDS_NODE & {job.state for job in jobs.page(self.c, 1000)}
        if nodes.for_placement(self.c, self.now):
            with self.transaction():
                reserve_in(self.c, "zoe", Wanted(NODES), self.now)


TestLab = Lab.TestCase
TestLab.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
