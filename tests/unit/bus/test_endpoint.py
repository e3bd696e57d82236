"""Where the bus is."""

import pytest

from anyrig.bus.endpoint import Endpoint
from anyrig.core.errors import Invalid


def test_user_and_password_are_taken_out_of_the_url() -> None:
    endpoint = Endpoint.parse("nats://any%40rig:p%2Fw@one:4222,two:4223")
    assert (endpoint.url, endpoint.user, endpoint.password) == ("nats://one:4222,two:4223", "any@rig", "p/w")
    assert endpoint.servers == ["nats://one:4222", "nats://two:4223"]


def test_a_websocket_keeps_its_path() -> None:
    assert Endpoint.parse("wss://a:b@farm.example/nats").servers == ["wss://farm.example/nats"]


def test_secrets_are_not_printed() -> None:
    text = repr(Endpoint("nats://one:4222", "anyrig", "pa55", issuer_seed="SAAA"))
    assert "pa55" not in text
    assert "SAAA" not in text


@pytest.mark.parametrize(
    "url",
    ["", "one:4222", "http://a:b@one", "nats://", "nats://a:b@", "nats://a:b@one:x", "nats://a:b@one:99999"],
)
def test_what_is_no_address_is_invalid(url: str) -> None:
    with pytest.raises(Invalid):
        Endpoint.parse(url)


@pytest.mark.parametrize("url", ["nats://one:4222", "nats://token@one:4222"])
def test_an_address_without_user_and_password_is_invalid(url: str) -> None:
    with pytest.raises(Invalid, match="user:password"):
        Endpoint.parse(url)
