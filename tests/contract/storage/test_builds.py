"""Builds are created, bound, found and removed, the same on both databases."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from build_rows import (
    ADA,
    LISTENING,
    TRIGGERED,
    anything,
    begun,
    created,
    ending,
    lab_of,
    noted,
    said,
    told,
    triggered,
    with_node,
)
from lab_rows import finished, the_end

from anyrig.core.build_records import Level
from anyrig.core.builds import BadBuild, BuildConfig
from anyrig.core.errors import Forbidden, NotFound
from anyrig.core.users import Principal, Role
from anyrig.engine import builds
from anyrig.engine.builds import ListenPointTaken
from anyrig.engine.known_builds import Build, KnownBuilds
from anyrig.engine.seals import Seal, SealBroken
from anyrig.storage.database import Database
from anyrig.storage.sql import builds as sql

FILE = "/srv/shop.yml"


@pytest.fixture
def lab(db: Database) -> Any:
    return lab_of(db)


async def names(lab: Any, who: Principal = ADA) -> list[str]:
    return [kept.listen_point for kept in await builds.every(lab, who)]


def only(*projects: str, role: Role = Role.OPERATOR) -> Principal:
    return Principal("olga", role, "t", frozenset(projects))


class TestCreation:
    async def test_a_build_is_there_with_all_that_its_app_file_says(self, lab: Any) -> None:
        text = "id: a/b.c\nproject: web\nactions: ['echo {x}']\nparams: {x: größe}\n"
        made = await builds.create(lab, ADA, text, anything)
        assert (made.listen_point, made.project, made.text) == ("a/b.c", "web", text)
        assert (made.kept.created_by, made.kept.config_file) == ("ada", None)
        assert await builds.find(lab, ADA, "a/b.c") == made
        lab.builds = KnownBuilds()
        assert await builds.find(lab, ADA, "a/b.c") == made
        assert await said(lab, made) == ["Listening on a/b.c"]

    async def test_a_listen_point_is_had_once(self, lab: Any) -> None:
        await created(lab)
        with pytest.raises(ListenPointTaken, match=r"^Listen point shop is taken$"):
            await created(lab, "/shop/")
        await created(lab, "Shop")
        assert await names(lab) == ["Shop", "shop"]

    async def test_of_many_who_want_one_listen_point_at_once_one_gets_it(self, lab: Any) -> None:
        answers = await asyncio.gather(*(created(lab) for _ in range(10)), return_exceptions=True)
        (made,) = [answer for answer in answers if isinstance(answer, Build)]
        assert sum(isinstance(answer, ListenPointTaken) for answer in answers) == 9
        assert await said(lab, made) == [LISTENING]

    async def test_an_app_file_that_makes_no_sense_makes_no_build(self, lab: Any) -> None:
        def refuse(_config: BuildConfig) -> None:
            raise BadBuild(reason="No matching validator found: svn")

        for text, check in (("id: [", anything), ("id: api", anything), ("id: shop", refuse)):
            with pytest.raises(BadBuild):
                await builds.create(lab, ADA, text, check)
        assert await names(lab) == []

    async def test_a_viewer_creates_none_and_a_token_only_in_its_projects(self, lab: Any) -> None:
        with pytest.raises(Forbidden):
            await created(lab, who=Principal("vic", Role.VIEWER, "t"))
        with pytest.raises(Forbidden):
            await created(lab, who=only("web"))
        await created(lab, more="project: web", who=only("web"))
        assert await names(lab) == ["shop"]

    async def test_app_files_are_kept_sealed_each_under_its_own_name(self, lab: Any) -> None:
        made = await created(lab, more="params: {password: hunter2secret}")
        other = await created(lab, "blog")
        assert b"hunter2" not in made.kept.sealed
        moved = replace(other.kept, sealed=made.kept.sealed)
        with pytest.raises(SealBroken):
            lab.seal.open(f"app file of {moved.listen_point}", moved.sealed)
        lab.builds, lab.seal = KnownBuilds(), Seal(bytes(31) + b"x")
        with pytest.raises(SealBroken, match=r"^The app file of shop cannot be read: it was encrypted with"):
            await builds.find(lab, ADA, "shop")
        assert await names(lab) == ["blog", "shop"]


class TestFinding:
    async def test_a_token_finds_the_builds_of_its_projects(self, lab: Any) -> None:
        await created(lab)
        await created(lab, "shop/web", more="project: web")
        assert await names(lab, only("web")) == ["shop/web"]
        assert (await builds.find(lab, only("web"), "shop/web")).project == "web"
        for ask in (
            builds.find(lab, only("web"), "shop"),
            builds.bind(lab, only("web"), "shop", FILE),
            builds.remove(lab, only("web"), "shop"),
        ):
            with pytest.raises(NotFound, match=r"^There is no build 'shop'\.$"):
                await ask
        assert await names(lab) == ["shop", "shop/web"]

    async def test_what_is_not_there_is_not_found(self, lab: Any) -> None:
        await created(lab)
        for name in ("Shop", "shop/", "sho", "shop%", "sh_p", "", "shop.build"):
            assert await builds.at(lab, name) is None
            with pytest.raises(NotFound):
                await builds.find(lab, ADA, name)
        with pytest.raises(NotFound):
            await builds.numbered(lab, 99)

    async def test_a_viewer_changes_nothing(self, lab: Any) -> None:
        await created(lab)
        viewer = Principal("vic", Role.VIEWER, "t")
        assert (await builds.find(lab, viewer, "shop")).listen_point == "shop"
        for ask in (builds.bind(lab, viewer, "shop", FILE), builds.remove(lab, viewer, "shop")):
            with pytest.raises(Forbidden):
                await ask

    async def test_names_that_begin_alike_have_nothing_in_common(self, lab: Any) -> None:
        alike = ["dot", "dot.build", "dot.exec", "dot/build", "do", "DOT"]
        made = [await created(lab, name) for name in alike]
        for build in made:
            await triggered(lab, build)
        for build in made:
            assert await said(lab, build) == [f"Listening on {build.listen_point}", TRIGGERED]


class TestRemoval:
    async def test_a_removed_build_leaves_its_name_and_keeps_its_history_to_itself(self, lab: Any) -> None:
        old = await created(lab)
        await triggered(lab, old)
        await builds.remove(lab, ADA, "shop")
        assert (await names(lab), await builds.at(lab, "shop")) == ([], None)
        with pytest.raises(NotFound):
            await builds.remove(lab, ADA, "shop")
        new = await created(lab)
        assert await said(lab, new) == [LISTENING]
        assert await said(lab, old) == [LISTENING, TRIGGERED, "Stopped"]
        assert (await builds.numbered(lab, old.number)).text == old.text

    async def test_what_was_asked_for_still_runs_and_is_said_of_the_old_build(self, lab: Any) -> None:
        await with_node(lab, "n1")
        old = await created(lab)
        task = await begun(lab, await triggered(lab, old))
        await builds.remove(lab, ADA, "shop")
        new = await created(lab)
        await told(lab, task, ending(0, "Completed 1/1"), finished(test="shop"), the_end())
        assert (await said(lab, old))[-1] == "Completed 1/1"
        assert await said(lab, new) == [LISTENING]


class TestBinding:
    async def reloaded(self, lab: Any, file: str = FILE, more: str = "") -> Build:
        """As clients do it: removed, created anew, and bound."""
        await builds.remove(lab, ADA, "shop")
        await created(lab, more=more)
        return await builds.bind(lab, ADA, "shop", file)

    async def test_a_build_knows_where_its_app_file_is(self, lab: Any) -> None:
        made = await created(lab)
        bound = await builds.bind(lab, ADA, "shop", "C:\\shop\\é.yml")
        assert bound.kept == replace(made.kept, config_file="C:\\shop\\é.yml")
        assert await builds.find(lab, ADA, "shop") == bound
        assert await said(lab, bound) == [LISTENING, "Bound with config file C:\\shop\\é.yml"]

    async def test_a_build_that_is_loaded_anew_takes_its_history_over(self, lab: Any) -> None:
        first = await builds.bind(lab, ADA, (await created(lab)).listen_point, FILE)
        await triggered(lab, first)
        bound = f"Bound with config file {FILE}"
        everything = [LISTENING, bound, TRIGGERED]
        for _ in range(3):
            again = await self.reloaded(lab)
            everything += ["Stopped", LISTENING, bound]
            assert await said(lab, again) == everything
            assert again.kept.history == first.kept.history
        assert again.number != first.number

    async def test_runs_of_both_go_on_in_that_history(self, lab: Any) -> None:
        await with_node(lab, "n1", "n2")
        old = await builds.bind(lab, ADA, (await created(lab)).listen_point, FILE)
        before = await begun(lab, await triggered(lab, old))
        await builds.remove(lab, ADA, "shop")
        new = await created(lab)
        early = await triggered(lab, new)
        await builds.bind(lab, ADA, "shop", FILE)
        await told(lab, before, ending(0, "Completed 1/1"), finished(test="shop"), the_end())
        await told(lab, await begun(lab, early), noted(5, "early"), ending(6, "Completed 1/1"))
        await triggered(lab, await builds.find(lab, ADA, "shop"))
        assert (await said(lab, new, runs=True)).count("Completed 1/1") == 2
        assert "early" in await said(lab, new, Level.INFO)
        assert (await said(lab, new)).count(TRIGGERED) == 3

    async def test_another_file_is_another_history(self, lab: Any) -> None:
        await builds.bind(lab, ADA, (await created(lab)).listen_point, FILE)
        other = await self.reloaded(lab, "/srv/other.yml")
        assert await said(lab, other) == [LISTENING, "Bound with config file /srv/other.yml"]
        back = await self.reloaded(lab)
        assert (await said(lab, back))[:3] == [LISTENING, f"Bound with config file {FILE}", "Stopped"]

    async def test_so_is_another_project_and_another_name(self, lab: Any) -> None:
        await builds.bind(lab, ADA, (await created(lab)).listen_point, FILE)
        other = await self.reloaded(lab, more="project: web")
        assert (await said(lab, other))[0:1] == [LISTENING]
        assert "Stopped" not in await said(lab, other)
        blog = await created(lab, "blog")
        await builds.bind(lab, ADA, "blog", FILE)
        assert await said(lab, blog) == ["Listening on blog", f"Bound with config file {FILE}"]

    async def test_of_several_that_were_removed_the_last_goes_on(self, lab: Any) -> None:
        for _ in range(2):
            made = await created(lab)
            await lab.db.write(lambda c, made=made: sql.bind(c, made.kept, FILE))
            last = made
            await builds.remove(lab, ADA, "shop")
        again = await created(lab)
        bound = await builds.bind(lab, ADA, "shop", FILE)
        kept = await lab.db.read(lambda c: sql.by_number(c, last.number))
        assert bound.kept.history == kept.history
        assert again.number != bound.kept.history

    async def test_a_build_may_be_bound_again(self, lab: Any) -> None:
        made = await created(lab)
        for _ in range(2):
            bound = await builds.bind(lab, ADA, "shop", FILE)
        assert bound.kept.history == made.kept.history
        assert await said(lab, made) == [LISTENING, *[f"Bound with config file {FILE}"] * 2]
