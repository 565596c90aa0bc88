"""Connections that have not authenticated yet."""

from __future__ import annotations

from workers.rtsp.pending_connections import PendingConnections


def test_the_oldest_of_whoever_holds_most_goes() -> None:
    gone: list[str] = []
    pending = PendingConnections(most=6, per_peer=4)

    def add(host: str, number: int) -> None:
        pending.add(host, (host, number), lambda: gone.append(f"{host}/{number}"))

    add("camera", 0)
    for number in range(6):
        add("greedy", number)
    assert gone == ["greedy/0", "greedy/1"]
    for number in range(3):
        add(f"stranger{number}", 0)
    assert gone[2:] == ["greedy/2", "greedy/3"]
    pending.remove("camera", ("camera", 0))
    pending.remove("camera", ("camera", 0))
    assert len(pending) == 5
