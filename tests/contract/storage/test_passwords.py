"""Users with passwords, the same on both databases."""

import asyncio

import pytest
from lab_rows import NOW

from anyrig.core.errors import BadField, Unauthenticated
from anyrig.core.users import Principal, Role
from anyrig.engine import access
from anyrig.engine.passwords import LONGEST, Passwords, set_password
from anyrig.storage.database import Database
from anyrig.storage.schema_builds import passwords as table
from anyrig.storage.sql import access as access_sql

PASSWORD = "größe hunter2"


async def kept(db: Database) -> list[str]:
    """All that the table has, as text."""
    return await db.read(lambda c: [str(tuple(row)) for row in c.execute(table.select())])


async def test_a_password_opens_what_its_role_may(db: Database) -> None:
    await set_password(db, "ada", PASSWORD, Role.OPERATOR, NOW)
    known = Passwords(db)
    assert known.known("ada", PASSWORD) is None
    found = await known.principal("ada", PASSWORD)
    assert (found.user, found.role, found.projects) == ("ada", Role.OPERATOR, None)
    assert known.known("ada", PASSWORD) == found
    for user, password in (("ada", PASSWORD[:-1]), ("adaa", PASSWORD), ("ad", f"a{PASSWORD}"), ("", "")):
        assert known.known(user, password) is None


async def test_it_is_kept_hashed_and_never_twice_alike(db: Database) -> None:
    for user in ("ada", "bob"):
        await set_password(db, user, PASSWORD, Role.VIEWER, NOW)
    first, second = await kept(db)
    assert first.split("$")[1] == second.split("$")[1] == "argon2id"
    assert first.split("$")[-1] != second.split("$")[-1]
    assert not any("hunter2" in row for row in (first, second))


async def test_what_is_not_right_opens_nothing(db: Database) -> None:
    await set_password(db, "ada", PASSWORD, Role.ADMIN, NOW)
    known = Passwords(db)
    wrong = ["hunter2", "", f"{PASSWORD}\0", "x" * (LONGEST + 1)]
    strangers = ["Ada", "nobody", "", "ada\0", "\0"]
    for user, password in [("ada", each) for each in wrong] + [(each, PASSWORD) for each in strangers]:
        with pytest.raises(Unauthenticated):
            await known.principal(user, password)
        assert known.known(user, password) is None


async def test_a_new_password_takes_the_place_of_the_old_one(db: Database) -> None:
    await set_password(db, "ada", PASSWORD, Role.ADMIN, NOW)
    await set_password(db, "ada", "another", Role.VIEWER, NOW)
    assert len(await kept(db)) == 1
    assert (await Passwords(db).principal("ada", "another")).role is Role.VIEWER
    with pytest.raises(Unauthenticated):
        await Passwords(db).principal("ada", PASSWORD)


async def test_a_password_leaves_the_users_tokens_as_they_are(db: Database) -> None:
    _, printed = await access.create_token(db, "ada", Role.ADMIN, NOW)
    await set_password(db, "ada", PASSWORD, Role.VIEWER, NOW)
    assert await db.read(lambda c: access_sql.user_role(c, "ada")) == "admin"
    assert (await access.Access(db).principal(printed, NOW)).role is Role.ADMIN
    with pytest.raises(Unauthenticated):
        await access.Access(db).principal(f"ada.{PASSWORD}", NOW)


@pytest.mark.parametrize(
    ("user", "password"),
    [("a b", "x"), ("", "x"), ("a" * 64, "x"), ("a\0", "x"), ("ada", ""), ("ada", "x" * (LONGEST + 1))],
)
async def test_not_everything_is_a_user_or_a_password(db: Database, user: str, password: str) -> None:
    with pytest.raises(BadField):
        await set_password(db, user, password, Role.ADMIN, NOW)
    assert await kept(db) == []


async def test_many_may_ask_at_once(db: Database) -> None:
    await set_password(db, "ada", PASSWORD, Role.ADMIN, NOW)
    known = Passwords(db)
    pairs = [("ada", PASSWORD), ("ada", "wrong"), ("bob", PASSWORD)]
    answers = await asyncio.gather(*(known.principal(*pair) for pair in pairs), return_exceptions=True)
    assert isinstance(answers[0], Principal)
    assert [type(answer) for answer in answers[1:]] == [Unauthenticated, Unauthenticated]
