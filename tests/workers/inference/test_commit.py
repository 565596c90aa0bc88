"""A commit goes through while our own lease is being renewed, and not once the lease is another's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from kept_queue import crash

from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.bus.keys import CameraKeys, LeaseKeys
from patchwatch.contract.errors import BusFullError, BusUnavailableError, LeaseLostError
from patchwatch.contract.settings import Settings
from patchwatch.local_redis.kept_server import kept_queue
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.cameras.analysis_status import AnalysisState, AnalysisStatus
from patchwatch.messages.cameras.camera import Camera
from workers.inference.camera_state import CameraState
from workers.inference.commit import AlertUpdate, CommitBatch, Committer, Publication
from workers.runtime.leases import Lease

DOOR = CameraKeys("door", 0)
UNIT = LeaseKeys.for_partition(0)
LEASE = b"me:1"
ALERT = Alert(
    id="door-1", camera_id="door", state=AlertState.OPEN, started_at_ms=1, opened_at_ms=2, peak_at_ms=2, peak_score=0.9,
    threshold=0.5, stream="motion", profile="motion",
)  # fmt: skip


def state() -> CameraState:
    return CameraState(Camera(id="door"), DOOR, LEASE, position=7)


@pytest.fixture
def client(bus_url: str) -> Any:
    with connect(bus_url) as client:
        client.set(UNIT.lease, LEASE, px=5000)
        yield client


@pytest.fixture
def disturb(client: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """After each of the first two checks something happens to the lease, before the transaction runs. The lease has
    expired and nobody has taken it: while it is held, check and write are one command."""
    client.set(UNIT.fence, LEASE.rpartition(b":")[2])
    client.delete(UNIT.lease)

    def after_the_check(happens: Callable[[], object]) -> None:
        checks: list[int] = []
        honest = Lease.guard

        def guard(self: Lease, pipe: redis.client.Pipeline) -> None:
            honest(self, pipe)
            checks.append(1)
            if len(checks) <= 2:
                happens()

        monkeypatch.setattr(Lease, "guard", guard)

    return after_the_check


def status() -> AnalysisStatus:
    return AnalysisStatus(camera_id="door", state=AnalysisState.NO_BANK, profile="motion", updated_at_ms=1)


WRITES: dict[str, Callable[[Committer], object]] = {
    "a commit": lambda committer: committer.commit(state(), CommitBatch()),
    "a status": lambda committer: committer.publish_statuses([Publication(state(), status(), None)]),
    "an erasure": lambda committer: committer.erase(state()),
}


def test_renewing_our_own_lease_does_not_cost_the_commit(client: Any, disturb: Any) -> None:
    disturb(lambda: client.set(UNIT.lease, LEASE, px=5000))
    Committer(client, Settings()).commit(state(), CommitBatch())
    assert client.hget(DOOR.state, "seq") == b"7"


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_nothing_is_written_once_the_lease_went_to_another(client: Any, disturb: Any, write: Any) -> None:
    """Be it at the last moment: what the other wrote meanwhile stays."""

    def another() -> None:
        client.set(UNIT.lease, "another:9", px=5000)
        client.hset(DOOR.state, "seq", 70)

    disturb(another)
    with pytest.raises(LeaseLostError):
        write(Committer(client, Settings()))
    assert client.hget(DOOR.state, "seq") == b"70"
    assert not client.exists(DOOR.analysis)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_nothing_is_written_under_a_lease_of_before_another_had_it(client: Any, write: Any) -> None:
    """A worker that stood still for a while: what it remembers of the camera is older than what Redis holds."""
    client.set(UNIT.lease, "me:3", px=5000)
    client.hset(DOOR.state, "seq", 70)
    with pytest.raises(LeaseLostError):
        write(Committer(client, Settings()))
    assert client.hget(DOOR.state, "seq") == b"70"


def test_a_commit_is_one_command(client: Any) -> None:
    batch = CommitBatch(alerts=[AlertUpdate(ALERT, announce=False)])
    calls = commands(client, lambda committer: committer.commit(state(), batch))
    assert calls["eval"] == 1
    assert not calls.keys() & {"watch", "multi", "exec", "mget"}
    assert client.hget(DOOR.state, "seq") == b"7"
    assert client.hget(DOOR.state, "boxes") == b"[]"
    assert client.exists(keys.alert(ALERT.id))


def test_a_record_that_is_not_what_it_should_be_costs_only_itself(client: Any) -> None:
    client.set(DOOR.counters, "no hash")
    committer, batch, counting = Committer(client, Settings()), CommitBatch(), state()
    counting.counters["scored"] = 1
    with pytest.raises(BusUnavailableError, match="refused a commit"):
        committer.commit(counting, batch)
    assert committer.applied(counting, batch), "so that its worker goes on"


def test_of_a_commit_that_a_full_redis_refuses_nothing_is_written(client: Any) -> None:
    """Least of all are frames trimmed, which takes no memory: they would be lost with the worker."""
    for seq in range(1, 8):
        client.xadd(DOOR.frames, {"jpeg": "x"}, id=f"{seq}-0")
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(BusFullError):
            Committer(client, Settings(evidence=False)).commit(state(), CommitBatch())
    finally:
        client.config_set("maxmemory", 0)
    assert client.xlen(DOOR.frames) == 7
    assert not client.exists(DOOR.state)
    Committer(client, Settings(evidence=False)).commit(state(), CommitBatch())
    assert client.xlen(DOOR.frames) == 1


def test_the_statuses_of_cameras_of_a_partition_are_one_command(client: Any) -> None:
    others = [CameraState(Camera(id=name), CameraKeys(name, 0), LEASE) for name in ("hall", "yard")]
    publications = [Publication(one, status(), None) for one in (state(), *others)]
    calls = commands(client, lambda committer: committer.publish_statuses(publications))
    assert (calls["eval"], calls["set"]) == (1, 3)
    assert client.exists(*(CameraKeys(name, 0).analysis for name in ("door", "hall", "yard"))) == 3


def commands(client: Any, write: Callable[[Committer], object]) -> Counter[str]:
    """How often Redis executed each command meanwhile."""

    def executed() -> Counter[str]:
        stats = client.info("commandstats")
        return Counter({name.removeprefix("cmdstat_"): entry["calls"] for name, entry in stats.items()})

    before = executed()
    write(Committer(client, Settings(redis_url="redis://unused")))
    return executed() - before


def test_a_camera_that_was_added_again_is_not_erased(client: Any, disturb: Any) -> None:
    client.hset(DOOR.state, "seq", 1)
    disturb(lambda: client.hset(keys.CAMERAS, "door", "{}"))
    Committer(client, Settings()).erase(state())
    assert client.exists(DOOR.state)


def test_a_removed_camera_is_erased(client: Any) -> None:
    client.hset(DOOR.state, "seq", 1)
    Committer(client, Settings()).erase(state())
    assert not client.exists(DOOR.state)


@pytest.mark.parametrize("with_alert", [False, True])
def test_what_changes_slowly_is_on_disk_with_each_alert_and_the_rest_with_each_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_alert: bool
) -> None:
    settings = Settings(data_dir=tmp_path, queue_memory_mb=64)
    outcome = CommitBatch(alerts=[AlertUpdate(ALERT, announce=True)] if with_alert else [])
    monkeypatch.setattr("workers.inference.commit.state_to_store", lambda _: {"conditions": {"usual": "picture"}})
    with kept_queue(settings) as queue, connect(queue.url) as client:
        client.set(UNIT.lease, LEASE)
        Committer(client, settings).commit(state(), outcome)
        assert client.hget(DOOR.state, "conditions") == b'{"usual": "picture"}'
        crash(queue)
    with kept_queue(settings) as queue, connect(queue.url) as client:
        assert client.hget(DOOR.state, "seq") == b"7"
        assert (client.hget(DOOR.state, "conditions") is not None) == with_alert
        assert client.hget(DOOR.state, "boxes") is None


def announcing(alert_id: str, started_at_ms: int) -> CommitBatch:
    alert = Alert(
        id=alert_id, camera_id="door", kind=AlertKind.OFFLINE, state=AlertState.OPEN, started_at_ms=started_at_ms,
        opened_at_ms=started_at_ms, peak_at_ms=started_at_ms, profile="motion",
    )  # fmt: skip
    return CommitBatch(alerts=[AlertUpdate(alert, announce=True)])


def test_alerts_stay_listed_for_as_long_as_their_records_whatever_a_clock_says(client: Any) -> None:
    committer, now_ms = Committer(client, Settings()), 1_800_000_000_000
    for number, at_ms in enumerate([now_ms, now_ms + 400 * 86_400_000, now_ms - 400 * 86_400_000, now_ms + 1000]):
        committer.commit(state(), announcing(f"a{number}", at_ms))
    assert client.zrange(keys.ALERTS_BY_TIME, 0, -1) == [b"a2", b"a0", b"a3", b"a1"]
    client.delete(keys.alert("a1"))  # as Redis does once its time is over
    committer.commit(state(), announcing("a4", now_ms + 2000))
    assert client.zrange(keys.ALERTS_BY_TIME, 0, -1) == [b"a2", b"a0", b"a3", b"a4"]
    assert client.zcard(keys.ALERTS_BY_RECEIPT) == 4


def test_verdicts_on_an_open_alert_stay_as_long_as_its_record(client: Any) -> None:
    committer, name = Committer(client, Settings()), keys.alert_verdicts(ALERT.id)
    committer.commit(state(), CommitBatch(alerts=[AlertUpdate(ALERT, announce=True)]))
    assert not client.exists(name)
    client.set(name, b"what the service wrote", ex=60)
    committer.commit(state(), CommitBatch(alerts=[AlertUpdate(ALERT, announce=False)]))
    assert client.get(name) == b"what the service wrote"
    assert client.pttl(name) == pytest.approx(client.pttl(keys.alert(ALERT.id)), abs=1000)
