"""Cameras: gone, silent, refusing, or sending what cannot be looked at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fault import Fault
from ingest_rig import free_port, rtsp_camera
from status_watch import seconds
from waiting import wait_until

USUAL_AFTER_S = 12.0  # of a source a picture's usual look is known: the first ten seconds
BACK_WITHIN_S = 2.0 + 5.0  # the longest pause before an attempt, and five seconds


def test_a_camera_loses_its_power_and_returns(site: Any, fault: Fault) -> None:
    def power_cut() -> None:
        site.gate.stop()
        fault.until_seen("gate", "offline")
        site.gate.start()

    fault.strike(power_cut, hits=["gate"], limit_s=BACK_WITHIN_S)


def test_a_camera_keeps_its_connection_and_sends_nothing(site: Any, fault: Fault) -> None:
    def freeze() -> None:
        site.gate.freeze()
        try:
            fault.until_seen("gate", "stalled", "offline")
        finally:
            site.gate.thaw()

    fault.strike(freeze, hits=["gate"], limit_s=BACK_WITHIN_S)


@pytest.mark.long
def test_the_network_to_a_camera_swallows_everything(site: Any, fault: Fault) -> None:
    def swallow() -> None:
        site.gate_proxy.swallows = True
        fault.until_seen("gate", "stalled", "offline")
        site.gate_proxy.restore()
        site.gate_proxy.cut()

    fault.strike(swallow, hits=["gate"], limit_s=BACK_WITHIN_S)


@pytest.mark.long
def test_a_camera_has_no_such_stream_for_a_while(site: Any, fault: Fault) -> None:
    def go_away() -> None:
        site.gate.tell("gate", "leave")
        site.gate_proxy.cut()
        assert fault.until_seen("gate", "offline") in ("offline (disconnected)", "offline (not_found)")
        fault.until_word("gate", "offline (not_found)")
        site.gate.tell("gate", "return")

    fault.strike(go_away, hits=["gate"], limit_s=BACK_WITHIN_S)


def test_a_camera_refuses_the_password_until_it_is_corrected(site: Any, fault: Fault) -> None:
    port = free_port()
    with rtsp_camera(port, "--user", "u", "--password", "right", "--path", "/gate", "--size", "160", "96"):

        def change_the_password() -> None:
            site.installation.patch("/cameras/gate", {"source": f"rtsp://u:wrong@127.0.0.1:{port}/gate"})
            fault.until_word("gate", "failed (auth)")
            assert "wrong" not in str(site.installation.status("gate"))
            site.installation.patch("/cameras/gate", {"source": f"rtsp://u:right@127.0.0.1:{port}/gate"})

        with _restored(site, source=site.gate.url("gate", site.gate_proxy.port)):
            fault.strike(change_the_password, hits=["gate"])


@pytest.mark.long
def test_a_connection_joins_in_the_middle_of_a_group_of_pictures(site: Any, fault: Fault) -> None:
    """Yard's capture keeps the shared stream of hall's running: gate's joins it wherever it is."""
    with _restored(site, source=site.gate.url("gate", site.gate_proxy.port)):
        fault.strike(lambda: _change(site, source=site.others.url("hall")), hits=["gate"])


@pytest.mark.long
def test_packets_of_a_camera_on_udp_are_lost(site: Any, fault: Fault) -> None:
    with _restored(site, source=site.gate.url("gate", site.gate_proxy.port), transport="tcp"):
        _repoint(site, source=site.gate.url("gate"), transport="udp")

        def lose() -> None:
            site.gate.tell("gate", "loss", 0.2)
            fault.until_age(8.0)
            site.gate.tell("gate", "loss", 0.0)

        fault.strike(lose, hits=["gate"])


def test_a_camera_sends_damaged_pictures(site: Any, fault: Fault) -> None:
    def damage() -> None:
        site.gate.tell("gate", "damage", 0.2)
        fault.until_age(6.0)
        site.gate.tell("gate", "damage", 0.0)

    fault.strike(damage, hits=["gate"])


@pytest.mark.parametrize(
    ("variant", "kind"),
    [
        ("black", "covered"),
        pytest.param("frozen", "frozen", marks=pytest.mark.long),
        pytest.param("infrared", "scene_changed", marks=pytest.mark.long),
    ],
    ids=["black", "frozen", "infrared"],
)
def test_a_useless_picture_is_told_as_what_it_is(site: Any, fault: Fault, variant: str, kind: str) -> None:
    wait_until(lambda: _seen_for_s(site) > USUAL_AFTER_S)
    fault.until_calm("gate")
    anomalies, heard = site.feed.opened("gate"), site.feed.opened("gate", kind=kind)

    def show() -> None:
        site.gate.tell("gate", "show", variant)
        try:
            wait_until(lambda: site.feed.opened("gate", kind=kind) != heard, within_s=90.0)
        finally:
            site.gate.tell("gate", "show", "normal")

    fault.strike(show, hits=["gate"])
    _one_more_that_closed(site, kind, heard)
    assert site.feed.opened("gate") == anomalies, "it was called an anomaly"


def test_a_camera_that_stays_away_is_told_as_offline(site: Any, fault: Fault) -> None:
    heard = site.feed.opened("gate", kind="offline")

    def stay_away() -> None:
        site.gate.stop()
        wait_until(lambda: site.feed.opened("gate", kind="offline") != heard)
        site.gate.start()

    fault.strike(stay_away, hits=["gate"], limit_s=BACK_WITHIN_S)
    _one_more_that_closed(site, "offline", heard)


@pytest.mark.long
def test_a_camera_changes_its_picture_size_for_a_while(site: Any, fault: Fault) -> None:
    def show() -> None:
        site.gate.tell("gate", "show", "large")
        fault.until_age(8.0)
        site.gate.tell("gate", "show", "normal")

    fault.strike(show, hits=["gate"])


def test_a_camera_that_comes_and_goes_leaves_the_others_alone(site: Any, fault: Fault) -> None:
    def flap() -> None:
        for turn in range(4):
            site.gate_proxy.cut(refuse=turn % 2 == 0)
            fault.until_age(2.0 * (turn + 1))
        site.gate_proxy.restore()

    fault.strike(flap, hits=["gate"])


@pytest.mark.long
def test_the_network_to_a_camera_is_too_narrow_for_it(site: Any, fault: Fault) -> None:
    def narrow() -> None:
        site.gate_proxy.bytes_per_s = 4_000.0
        fault.until_age(8.0)
        site.gate_proxy.restore()

    fault.strike(narrow, hits=["gate"])


def _seen_for_s(site: Any) -> float:
    """How long gate's source has been scored since it was last opened."""
    status = site.installation.status("gate")
    return seconds(status["last_score"]["t"]) - seconds(status["capture"]["since"])


def _one_more_that_closed(site: Any, kind: str, heard: list[str]) -> None:
    [alert_id] = site.feed.opened("gate", kind=kind)[len(heard) :]
    wait_until(lambda: site.installation.get(f"/alerts/{alert_id}")["state"] == "closed")


@contextmanager
def _restored(site: Any, **fields: object) -> Iterator[None]:
    """Afterwards gate is as before."""
    try:
        yield
    finally:
        _repoint(site, **fields)


def _repoint(site: Any, **fields: object) -> None:
    """Change gate's configuration, and wait until it is scored under it."""
    _change(site, **fields)
    site.installation.wait_until_ok("gate")


def _change(site: Any, **fields: object) -> None:
    """Change gate's configuration; returns when its capture begins anew."""
    changed_s = time.time()
    site.installation.patch("/cameras/gate", fields)
    wait_until(lambda: seconds(site.installation.status("gate")["capture"]["since"]) > changed_s)
