"""The OpenAPI document of the native API."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from anyrig.server.dialects.native import api, schema

Json = Any


@pytest.fixture(scope="module")
def document() -> Json:
    return msgspec.json.decode(msgspec.json.encode(api.build().openapi()))


def references(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_it_is_of_version_3_1_and_lives_below_its_prefix(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "/api/v3"}]


def test_every_reference_leads_to_a_schema(document: Json) -> None:
    found = set(references(document))
    assert found
    assert found <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def test_every_schema_is_used_or_part_of_one_that_is(document: Json) -> None:
    documented = {kind.__name__ for kind in schema.DOCUMENTED}
    assert documented <= set(document["components"]["schemas"])


def test_every_operation_says_what_it_does_and_how_it_refuses(document: Json) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["description"], where
            assert {"4XX", "5XX"} <= set(operation["responses"]), where
            assert any(status.startswith("2") for status in operation["responses"]), where


def test_every_answer_has_a_schema_unless_it_is_empty(document: Json) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            good = {status: each for status, each in operation["responses"].items() if status.startswith("2")}
            assert all("content" in each or status == "204" for status, each in good.items()), (method, path)


def test_names_of_operations_are_unique(document: Json) -> None:
    names = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(set(names)) == len(names)


def test_a_body_is_described_wherever_one_is_taken(document: Json) -> None:
    taking = {path for path, each in document["paths"].items() if "requestBody" in each.get("post", {})}
    assert taking == {
        *("/jobs", "/builds", "/projects", "/tokens", "/nodes/{name}/press"),
        *("/reservations", "/reservations/{number}/extend", "/reservations/{number}/interrupt"),
    }


def test_paths_have_no_slash_at_the_end(document: Json) -> None:
    assert all(re.fullmatch(r"(/[^/]+)+", path) for path in document["paths"])
