"""A server that was down when a reservation expired, or died while it held."""

from pathlib import Path

from lab import Lab, running, until


def _reserve(lab: Lab, seconds: int | None) -> int:
    body = {"node_ids": ["rig-1"], "message": "Soak", "duration_secs": seconds}
    answer = lab.client.post("/api/v2/reservations", json=body)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["reservations"][0]["reservation_id"])


def test_what_expired_while_no_server_was_there_is_over_and_the_rest_still_holds(tmp_path: Path) -> None:
    with running(tmp_path) as lab:
        number = _reserve(lab, 1)
        lab.server.kill()
        lab.server.start()
        until(lab.is_online, lambda: f"online: {lab.server.said()}")
        until(lambda: lab.node()["available"], "the node is free")
        shown = lab.client.get(f"/api/v3/reservations/{number}").json()
        assert (shown["state"], shown["ended"]) == ("expired", shown["expires"])
        kept = _reserve(lab, None)
        lab.server.kill()
        lab.server.start()
        until(lab.is_online, lambda: f"online: {lab.server.said()}")
        assert lab.node()["reservation"]["reservation_id"] == kept
