"""What a request of Sloth CI's clients asks for, wherever in it that is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from anyrig.core.errors import AnyrigError, Forbidden, Invalid, Unauthenticated
from anyrig.server.dialects.sloth.asked import Asked, asked, refuse_strangers
from anyrig.server.dialects.sloth.login import _pair
from anyrig.server.dialects.sloth.wire import Missing

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=edge"


def request(method: str = "POST", query: str = "", body: bytes = b"", **headers: str) -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    sent = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/", "query_string": query.encode("latin-1")}
    return Request(scope | {"headers": sent}, receive)


def parts(*fields: str) -> bytes:
    """The body of a form in parts: each has its disposition's options, a bar, and its value."""
    made = [field.partition("|") for field in fields]
    each = [f"--edge\r\nContent-Disposition: form-data; {of}\r\n\r\n{value}\r\n" for of, _, value in made]
    return "".join([*each, "--edge--\r\n"]).encode()


class TestParameters:
    async def test_address_and_form_are_merged_and_what_is_there_twice_is_a_list(self) -> None:
        found = await asked(request(query="a=1&b=2&c", body=b"b=3&b=4&d=%C3%A9+x", content_type=FORM))
        assert found == Asked({"a": "1", "b": ["2", "3", "4"], "c": "", "d": "é x"}, is_safe=False)

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    async def test_a_safe_method_has_no_form(self, method: str) -> None:
        found = await asked(request(method, "a=1", b"b=2", content_type=FORM))
        assert found == Asked({"a": "1"}, is_safe=True)

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
    @pytest.mark.parametrize("kind", [FORM, "", f"{FORM}; charset=utf-8", FORM.upper()])
    async def test_every_other_method_has_one(self, method: str, kind: str) -> None:
        headers = {"content_type": kind} if kind else {}
        found = await asked(request(method, body=b"a=1", **headers))
        assert found == Asked({"a": "1"}, is_safe=False)

    @pytest.mark.parametrize("kind", ["application/json", "text/plain"])
    async def test_other_bodies_are_not_read(self, kind: str) -> None:
        assert (await asked(request(body=b"a=1", content_type=kind))).params == {}

    async def test_a_form_may_come_in_parts(self) -> None:
        body = parts('name="a"|1', 'name="b"|2', 'name="a"|é', 'name="f"; filename="f.yml"|id: x')
        found = await asked(request(query="b=0", body=body, content_type=MULTIPART))
        assert found.params == {"a": ["1", "é"], "b": ["0", "2"], "f": "id: x"}

    async def test_what_is_no_utf_8_is_replaced(self) -> None:
        found = await asked(request(query="a=%ff", body=b"b=\xff", content_type=FORM))
        assert found.params == {"a": "\ufffd", "b": "\ufffd"}

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("multipart/form-data", b"--edge\r\n"),
            ("multipart/form-data; boundary=", b"--edge\r\n"),
            ("multipart/form-data; boundary=\xe9", b"--edge\r\n"),
            (MULTIPART, b"garbage"),
            (MULTIPART, b"--edge\r\nContent-Disposition: form-data\r\n\r\n1\r\n--edge--\r\n"),
            (MULTIPART, b"--edge\r\n\0: a\r\n\r\n1\r\n--edge--\r\n"),
            (MULTIPART, parts(*['name="a"|1'] * 1001)),
            (MULTIPART, parts(*['name="a"; filename="a"|1'] * 11)),
            (FORM, b"&".join([b"a=1"] * 1001)),
            (FORM, b"a=%00"),
            (FORM, b"a%00=1"),
            (MULTIPART, parts('name="a"|\0')),
        ],
    )
    async def test_a_form_that_makes_no_sense_is_refused(self, kind: str, body: bytes) -> None:
        with pytest.raises(Invalid):
            await asked(request(body=body, content_type=kind))

    @pytest.mark.parametrize("query", ["a=%00", "&".join(["a=1"] * 1001)])
    async def test_so_is_such_an_address(self, query: str) -> None:
        with pytest.raises(Invalid):
            await asked(request("GET", query))

    @given(st.binary(max_size=60), st.sampled_from([FORM, MULTIPART, "multipart/form-data", ""]))
    async def test_anything_is_read_or_refused(self, body: bytes, kind: str) -> None:
        try:
            found = await asked(request(body=b"--edge\r\n" + body, content_type=kind))
        except AnyrigError as error:
            assert isinstance(error, Invalid)  # noqa: PT017 - both ends are good
        else:
            assert not any("\0" in name for name in found.params)


class TestAsked:
    @pytest.mark.parametrize(
        ("params", "action"), [({"action": "list"}, "list"), ({}, None), ({"action": ""}, None)]
    )
    def test_one_action_is_asked_for_or_none(self, params: dict[str, str], action: str | None) -> None:
        assert Asked(params, is_safe=True).action == action
        assert Asked({"action": ["list", "stop"]}, is_safe=True).action is None

    @pytest.mark.parametrize("value", [None, "", ["a", "b"]])
    def test_what_is_needed_is_there_once(self, value: str | list[str] | None) -> None:
        given_params = {} if value is None else {"listen_point": value}
        with pytest.raises(Missing, match=r'^Missing parameter "listen_point"$'):
            Asked(given_params, is_safe=True).needed("listen_point")
        with pytest.raises(Missing, match=r"^Missing parameter shown so$"):
            Asked(given_params, is_safe=True).needed("listen_point", "shown so")

    def test_of_two_values_the_last_counts_where_one_is_enough(self) -> None:
        found = Asked({"wait": ["", "1"], "level": "10", "listen_point": "shop"}, is_safe=True)
        assert (found.text("wait"), found.text("level", "20"), found.text("page", "1"), found.text("x")) == (
            "1",
            "10",
            "1",
            "",
        )
        assert found.needed("listen_point") == "shop"
        assert found.others("wait", "level", "x") == {"listen_point": "shop"}


class TestStrangers:
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"host": "ci.example:8080"},
            {"host": "ci.example:8080", "origin": "http://ci.example:8080"},
            {"host": "ci.example", "origin": "https://ci.example", "sec_fetch_site": "same-origin"},
            {"host": "inside", "origin": "https://ci.example", "sec_fetch_site": "same-origin"},
            {"host": "ci.example", "sec_fetch_site": "none"},
        ],
    )
    def test_programs_and_our_own_pages_may_ask(self, headers: dict[str, str]) -> None:
        refuse_strangers(request("POST", "", b"", **headers))

    @pytest.mark.parametrize(
        "headers",
        [
            {"sec_fetch_site": "cross-site"},
            {"sec_fetch_site": "same-site", "host": "a.example", "origin": "http://a.example"},
            {"host": "ci.example", "origin": "http://evil.example"},
            {"host": "ci.example", "origin": "http://ci.example:81"},
            {"host": "ci.example", "origin": "http://ci.example.evil"},
            {"host": "ci.example", "origin": "null"},
            {"host": "ci.example", "origin": ""},
            {"host": "ci.example", "origin": "http://["},
            {"origin": "http://evil.example"},
        ],
    )
    def test_pages_of_others_may_not(self, headers: dict[str, str]) -> None:
        with pytest.raises(Forbidden, match=r"^A page of another site"):
            refuse_strangers(request("POST", "", b"", **headers))


class TestLogins:
    @pytest.mark.parametrize(
        ("header", "pair"),
        [
            ("Basic YWRhOnB3", ("ada", "pw")),
            ("basic  YWRhOnB3 ", ("ada", "pw")),
            ("Basic YWRhOnA6dw==", ("ada", "p:w")),
            ("Basic YTrDqQ==", ("a", "é")),
        ],
    )
    def test_basic_has_a_user_and_a_password(self, header: str, pair: tuple[str, str]) -> None:
        assert _pair(header) == pair

    @pytest.mark.parametrize(
        "header",
        [
            *(
                None,
                "",
                "Basic",
                "Basic ",
                "Basic ?",
                "Basic \xe9",
                "Basic YQ==",
                "Basic OnB3",
                "Basic YWRhOg==",
            ),
            *("Basic YTr/", "Bearer YWRhOnB3", "YWRhOnB3", "token YWRhOnB3"),
        ],
    )
    def test_all_else_is_nobody(self, header: str | None) -> None:
        with pytest.raises(Unauthenticated):
            _pair(header)
