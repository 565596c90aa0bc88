"""``patchwatch cameras`` asks the service for what was typed, and shows the answer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from patchwatch.cli.commands.cameras import group as cameras
from patchwatch.cli.zone_text import zones_line
from patchwatch.contract.errors import RejectedError
from patchwatch.rest_client import RestClient
from service.schemas.cameras.camera import CameraChange

Asked = list[tuple[str, str, Any]]


def threshold(per_day: float, on: float, **others: Any) -> dict[str, Any]:
    known = {
        "false_alarms_per_day": per_day, "on": on, "off": 0.75 * on, "on_low": 0.1, "on_high": 0.9, "expected": per_day,
        "expected_low": per_day / 4, "expected_high": per_day * 4, "footage_hours": 0.2, "extrapolation": 5.0,
        "supported": True,
    }  # fmt: skip
    return known | others


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A service that knows one camera."""
    questions: Asked = []
    few = threshold(1.0, 0.6, supported=False, expected=4.0, warning="enrol more")

    def answer(client: object, method: str, path: str, body: Any = None) -> Any:
        questions.append((method, path, body))
        if path.endswith("/thresholds"):
            return {"camera_id": "gate", "threshold": few, "thresholds": [threshold(24.0, 0.4), few]}
        if path == "/site-budget":
            one = {"camera_id": "gate", "text": "budget 1.4 a day: its share"}
            return {"text": "6 false alarms a day, shared by 1 camera", "cameras": [one]}
        if path.endswith("/report?days=3"):
            days = {"from": "2026-11-20T08:00:00.000Z", "to": "2026-11-27T08:00:00.000Z"}
            return days | {"lines": ["watched: 60.0 of 72 h", "next: nothing needs to be done"]}
        if path == "/status":
            learning = {"state": "learning", "remembered_s": 20.4, "first_bank_s": 60.0}
            return {"statuses": [{"camera_id": "gate", "arming": learning}]}
        if (method, path) == ("GET", "/cameras"):
            gate = {"id": "gate", "profile": "scene", "source": "push:", "enabled": True, "adopted": True}
            return {"cameras": [gate, gate | {"id": "yard", "adopted": False}]}
        if path.endswith("/status"):
            return {
                "arming": {"text": "provisional: little is known"},
                "budget": {"text": "budget 1.4 a day: its share"},
                "capture": {"state": "live"},
                "analysis": None,
                "health": "no_bank",
                "reason": "learn it",
            }
        return {"id": "gate", "profile": "motion", "source": "push:", "enabled": True} | (body or {})

    monkeypatch.setattr(RestClient, "request", answer)
    return questions


def run(*words: str) -> Any:
    return CliRunner().invoke(cameras.app, list(words))


def test_a_camera_is_added_with_its_alarm_budget(asked: Asked) -> None:
    assert "2 false alarms a day" in run("add", "gate", "--false-alarms-per-day", "2").stdout
    [(method, path, body)] = asked
    assert (method, path, body["false_alarms_per_day"]) == ("POST", "/cameras", 2.0)


def test_who_adds_a_camera_learns_where_it_publishes_and_how_it_learns(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHWATCH_RTSP_PORT", "8600")
    assert "it learns what is normal by itself" in run("add", "gate").stderr
    where, how = run("add", "gate", "--no-self-arm").stderr.splitlines()
    assert where == "publish its video to rtsp://127.0.0.1:8600/gate"
    assert "`patchwatch enrolments add gate --live 900`" in how
    monkeypatch.setenv("PATCHWATCH_RTSP_HOST", "0.0.0.0")
    assert "rtsp://HOST:8600/gate" in run("add", "gate").stderr
    assert "rtsp://HOST:PORT/gate" in run("add", "gate", "--api", "http://10.0.0.9:8080").stderr
    assert "publish" not in run("add", "gate", "rtsp://10.0.0.7/1").stderr
    assert run("add", "gate", "--json").stderr == ""


def test_the_budget_is_set_and_taken_back(asked: Asked) -> None:
    assert run("update", "gate", "--false-alarms-per-day", "0.5").exit_code == 0
    assert run("update", "gate", "--default-budget").exit_code == 0
    assert [body for _, _, body in asked] == [{"false_alarms_per_day": 0.5}, {"false_alarms_per_day": None}]


@pytest.mark.parametrize("words", [(), ("--default-budget", "--false-alarms-per-day", "1")])
def test_a_change_that_says_nothing_or_two_things_is_refused(asked: Asked, words: tuple[str, ...]) -> None:
    assert isinstance(run("update", "gate", *words).exception, RejectedError)
    assert asked == []


def test_thresholds_are_shown_with_what_other_budgets_mean(asked: Asked) -> None:
    first, warning, _, head, many, few = run("thresholds", "gate").stdout.splitlines()
    assert first == (
        "an alert opens above a score of 0.600 and closes below 0.450: about 4 (0.25 to 4) false alarms a day, "
        "no more than a guess from 12.0 min of footage"
    )
    assert warning == "WARNING: enrol more"
    assert head.split() == ["budget", "per", "day", "alerts", "above", "expected", "per", "day"]
    assert many.split() == ["24", "0.400", "about", "24", "(6", "to", "96)"]
    assert few.endswith("too little footage")


def test_all_that_the_api_can_change_can_be_set(asked: Asked) -> None:
    words = (
        "--fps",
        "2",
        "--profile",
        "objects",
        "--transport",
        "udp",
        "--pace",
        "fast",
        "--no-loop",
        "--name",
        "G",
    )
    assert run("update", "gate", "--source", "rtsp://10.0.0.7/stream1", *words).exit_code == 0
    [(method, path, body)] = asked
    assert (method, path) == ("PATCH", "/cameras/gate")
    assert body == {
        "source": "rtsp://10.0.0.7/stream1", "analysis_fps": 2.0, "profile": "objects", "transport": "udp",
        "pace": "fast", "loop": False, "name": "G",
    }  # fmt: skip


def test_trust_in_a_certificate_can_be_set_and_taken_back(asked: Asked) -> None:
    assert run("update", "gate", "--tls-fingerprint", "ab" * 32, "--no-tls-verify").exit_code == 0
    assert run("update", "gate", "--no-tls-fingerprint", "--tls-verify").exit_code == 0
    assert [body for _, _, body in asked] == [
        {"tls_fingerprint": "ab" * 32, "tls_verify": False},
        {"tls_fingerprint": None, "tls_verify": True},
    ]


OPTIONS = {
    "analysis_fps": "--fps",
    "enabled": "--enable",
    "publish_password": "--publish-password-stdin",
    "muted": "--mute",
    "zones": "--zone",
}


@pytest.mark.parametrize("field", sorted(CameraChange.model_fields.keys() - {"absence_chance"}))  # `cameras absence`
def test_each_field_has_an_option(field: str) -> None:
    option = OPTIONS.get(field, f"--{field.replace('_', '-')}")
    assert re.search(rf"{option}\b", run("update", "--help").output)


@pytest.mark.parametrize(
    ("option", "fields"),
    [
        ("--default-fps", {"analysis_fps": None}),
        ("--default-budget", {"false_alarms_per_day": None}),
        ("--no-tls-fingerprint", {"tls_fingerprint": None}),
        ("--no-publish-password", {"publish_username": None, "publish_password": None}),
        ("--disable", {"enabled": False}),
        ("--no-zones", {"zones": []}),
    ],
)
def test_each_field_that_has_a_default_can_go_back_to_it(asked: Asked, option: str, fields: dict[str, Any]) -> None:
    assert run("update", "gate", option).exit_code == 0
    assert [body for _, _, body in asked] == [fields]


def test_the_former_name_of_update_still_works(asked: Asked) -> None:
    assert run("set", "gate", "--name", "G").exit_code == 0
    assert asked == [("PATCH", "/cameras/gate", {"name": "G"})]


def test_a_camera_is_shown_with_its_status(asked: Asked) -> None:
    lines = [line.split() for line in run("show", "gate").stdout.splitlines()]
    assert ["source", "push:"] in lines
    assert ["capture", "live"] in lines
    assert lines[-1] == ["health", "no_bank:", "learn", "it"]
    shown = json.loads(run("show", "gate", "--json").stdout)
    assert (shown["id"], shown["status"]["capture"]["state"]) == ("gate", "live")


def test_a_camera_is_removed(asked: Asked) -> None:
    assert "removed gate" in run("remove", "gate").stderr
    assert json.loads(run("remove", "gate", "--json").stdout) == {"id": "gate", "removed": True}
    assert [(method, path) for method, path, _ in asked] == [("DELETE", "/cameras/gate")] * 2


def test_a_source_and_a_publishers_password_are_read_from_standard_input(asked: Asked) -> None:
    words = ["update", "gate", "--source", "-", "--publish-username", "cam", "--publish-password-stdin"]
    done = CliRunner().invoke(cameras.app, words, input="rtsp://u:hunter2@h/x\nhunter3\n")
    assert done.exit_code == 0, done.output
    [(_, _, body)] = asked
    assert (body["source"], body["publish_password"]) == ("rtsp://u:hunter2@h/x", "hunter3")


def test_the_rate_goes_back_to_the_installations(asked: Asked) -> None:
    assert run("update", "gate", "--default-fps").exit_code == 0
    assert [body for _, _, body in asked] == [{"analysis_fps": None}]
    assert isinstance(run("update", "gate", "--default-fps", "--fps", "2").exception, RejectedError)


PORCH = {"name": "porch", "kind": "ignore", "points": [[0, 0], [0.3, 0], [0.3, 1], [0, 1]]}


def test_zones_are_given_as_words_and_as_a_file(asked: Asked, tmp_path: Path) -> None:
    file = tmp_path / "zones.json"
    for stored in ([PORCH | {"name": "road"}], {"zones": [PORCH | {"name": "road"}]}):
        file.write_text(json.dumps(stored))
        words = ["--zone", "name=porch kind=ignore points=0,0 0.3,0 0.3,1 0,1", "--zone-file", str(file)]
        assert run("update", "gate", *words).exit_code == 0
        assert asked.pop()[2] == {"zones": [PORCH | {"name": "road"}, PORCH]}
    assert run("add", "gate", "--zone", "kind=zone name=back porch points=0,0 1,0 1,1").exit_code == 0
    assert asked.pop()[2]["zones"] == [{"name": "back porch", "kind": "zone", "points": [[0, 0], [1, 0], [1, 1]]}]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--zone", "porch"], "does not begin with name="),
        (["--zone", "name=porch kind=ignore"], "lacks points"),
        (["--zone", "name=porch kind=ignore points=0,0 0.3 0,1"], "'0.3' is not a corner"),
        (["--zone", "name=a kind=zone points=0,0 1,0 1,1", "--no-zones"], "contradict each other"),
        (["--zone-file", "/no/such/file"], "is not a file of zones"),
    ],
)
def test_what_is_no_zone_is_refused_before_the_service_is_asked(asked: Asked, words: list[str], why: str) -> None:
    done = run("update", "gate", *words)
    assert why in str(done.exception)
    assert not asked


def test_a_list_names_the_zones_of_a_camera() -> None:
    assert zones_line([PORCH, PORCH | {"name": "window", "kind": "privacy"}]) == "porch (ignore), window (privacy)"


def test_the_list_says_how_far_each_camera_is_and_which_are_new(asked: Asked) -> None:
    gate, yard = run("list").stdout.splitlines()
    assert gate.endswith("push:  new: look at it  learning, 20 of 60 s")
    assert yard.endswith("push:")
    shown = run("show", "gate").stdout
    assert "provisional: little is known" in shown
    assert "budget                 budget 1.4 a day: its share" in shown


def test_a_camera_is_acknowledged_and_told_whether_to_learn_by_itself(asked: Asked) -> None:
    assert run("acknowledge", "gate").exit_code == 0
    assert run("update", "gate", "--no-self-arm").exit_code == 0
    assert [body for _, _, body in asked] == [{}, {"self_arm": False}]


@pytest.mark.parametrize(
    ("options", "question"),
    [
        ([], ("GET", "/site-budget", None)),
        (["--site", "6"], ("PUT", "/site-budget", {"false_alarms_per_day": 6.0})),
        (["--off"], ("PUT", "/site-budget", {"false_alarms_per_day": None})),
    ],
)
def test_the_budget_of_all_cameras_together(asked: Asked, options: list[str], question: tuple[str, str, Any]) -> None:
    result = CliRunner().invoke(cameras.app, ["budget", *options])
    assert asked == [question]
    assert result.stdout.splitlines() == [
        "6 false alarms a day, shared by 1 camera",
        "  gate                 budget 1.4 a day: its share",
    ]


def test_a_budget_and_none_contradict_each_other(asked: Asked) -> None:
    result = CliRunner().invoke(cameras.app, ["budget", "--site", "6", "--off"])
    assert isinstance(result.exception, RejectedError)
    assert asked == []


def test_the_report_is_shown_line_by_line(asked: Asked) -> None:
    result = CliRunner().invoke(cameras.app, ["report", "gate", "--days", "3"])
    assert asked == [("GET", "/cameras/gate/report?days=3", None)]
    assert result.stdout.splitlines() == [
        "gate, 2026-11-20 to 2026-11-27", "  watched: 60.0 of 72 h", "  next: nothing needs to be done",
    ]  # fmt: skip
