"""``patchwatch banks`` shows what a bank was learnt from, and names the command that learns one."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from moving_film import film
from moving_scene import FPS, scene
from typer.testing import CliRunner

from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.banks.coverage import Sufficiency
from models.engine.engine import Engine
from models.frames.frame import CameraContext, Frame
from models.profiles.profile import load_profile
from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.cli.app import app
from patchwatch.cli.commands.banks.bank_text import bank_lines
from patchwatch.contract.errors import ConfigurationError, ConflictError, NotFoundError, RejectedError
from patchwatch.messages.cameras.camera import Camera
from workers.analysis.bank_report import enrolment_report


@pytest.fixture
def bank() -> Bank:
    """Of twelve seconds."""
    engine, view = Engine(load_profile("motion")), CameraContext()
    learner = BankBuilder(engine.profile, engine.streams, engine.identity)
    frames = [Frame(scene(n / FPS), n / FPS) for n in range(12 * FPS)]
    for frame, features in zip(frames, engine.extract(frames, [view] * len(frames)), strict=True):
        learner.add(frame.at_s, features, frame.rgb)
    return learner.build(["scene"])


def run(*words: str) -> str:
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_what_enrolling_said_can_be_asked_for_again(tmp_path: Path) -> None:
    film(tmp_path / "short.mp4", 9)
    output = run("banks", "enrol", str(tmp_path / "short.mp4"), "--camera", "door").splitlines()
    assert [output[0], *output[2:]] == run("banks", "show", "door").splitlines()
    assert output[0].startswith("door: learnt 9 s of normal (45 frames)")
    assert "is active" in output[1]
    assert output[2].startswith("  learn from more footage: 9 s are too little")
    facts = json.loads(run("banks", "show", "door", "--json"))
    assert (facts["camera"], facts["profile"], facts["report"]["verdict"]) == ("door", "motion", "too_short")
    assert len(facts["report"]["streams"][0]["regions"]) == 4


def test_a_worse_bank_is_kept_and_not_used_and_everything_can_be_undone(tmp_path: Path) -> None:
    film(tmp_path / "long.mp4", 60)
    film(tmp_path / "short.mp4", 9)
    long = json.loads(run("banks", "enrol", str(tmp_path / "long.mp4"), "--camera", "door", "--json"))
    short = json.loads(run("banks", "enrol", str(tmp_path / "short.mp4"), "--camera", "door", "--json"))
    assert (long["active"], short["active"]) == (True, False)
    assert f"kept the present bank {long['bank_id']}, because the new one was learnt from 9 s" in short["outcome"]
    assert f"patchwatch banks activate door {short['bank_id']}" in short["outcome"]

    def listed() -> list[tuple[str, bool]]:
        return [(row["id"], row["active"]) for row in json.loads(run("banks", "list", "door", "--json"))]

    assert listed() == [(short["bank_id"], False), (long["bank_id"], True)]
    run("banks", "activate", "door", short["bank_id"])
    assert listed() == [(short["bank_id"], True), (long["bank_id"], False)]
    run("banks", "pin", "door", long["bank_id"])
    with pytest.raises(ConflictError, match="pinned"):
        run("banks", "remove", "door", long["bank_id"])
    run("banks", "unpin", "door", long["bank_id"])
    run("banks", "remove", "door", long["bank_id"])
    assert run("banks", "list", "door").startswith(f"*  {short['bank_id']}  motion ")
    forced = json.loads(run("banks", "enrol", str(tmp_path / "short.mp4"), "--camera", "door", "--activate", "--json"))
    assert forced["active"]
    assert f"patchwatch banks activate door {short['bank_id']}" in forced["outcome"]


def test_the_thresholds_shown_are_for_the_budget_of_the_camera_where_it_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bus_url: str
) -> None:
    film(tmp_path / "normal.mp4", 30)
    run("banks", "enrol", str(tmp_path / "normal.mp4"), "--camera", "door")
    alone = json.loads(run("banks", "show", "door", "--json"))
    assert alone["budget"]["per_day"] == alone["threshold"]["false_alarms_per_day"] == 4.0
    assert "no service runs" in alone["budget"]["whose"]
    monkeypatch.setenv("PATCHWATCH_REDIS_URL", bus_url)
    with connect(bus_url) as client:
        client.hset(keys.CAMERAS, "door", Camera(id="door", false_alarms_per_day=500.0).encode())
    own = json.loads(run("banks", "show", "door", "--json"))
    assert own["budget"]["per_day"] == own["threshold"]["false_alarms_per_day"] == 500.0
    assert own["threshold_on"] == pytest.approx(own["threshold"]["on"])
    assert own["threshold_on"] < alone["threshold_on"]
    assert "500 false alarms a day are accepted: the budget of door itself" in run("banks", "show", "door")
    monkeypatch.setenv("PATCHWATCH_REDIS_URL", "redis://127.0.0.1:1/0")
    assert "Redis does not answer" in run("banks", "show", "door")


def test_what_is_complete_but_too_short_for_the_budget_says_one_thing(bank: Bank) -> None:
    report = enrolment_report(replace(bank, coverage=replace(bank.coverage, verdict=Sufficiency.COMPLETE)), "door")
    first, second, *others = bank_lines(bank, report)
    assert first.startswith("the footage is complete, but too short for the alarm budget: learn from at")
    assert second.startswith("an alert opens above a score of")
    assert not any("WARNING" in line or "nothing needs to be done" in line for line in others)


@pytest.mark.parametrize("words", [("activate", "door", "0a1b2c3d4e5f"), ("show", "door", "0a1b2c3d4e5f")])
def test_a_bank_that_is_not_there_is_named(words: tuple[str, ...]) -> None:
    with pytest.raises(NotFoundError, match="patchwatch banks list door"):
        run("banks", *words)


def test_a_pipe_and_an_unknown_profile_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(RejectedError, match="is not a file"):
        run("banks", "enrol", str(tmp_path / "pipe.mp4"), "--camera", "door")
    film(tmp_path / "short.mp4", 9)
    with pytest.raises(ConfigurationError, match="choose one of"):
        run("banks", "enrol", str(tmp_path / "short.mp4"), "--camera", "door", "--profile", "nosuch")


def test_a_camera_without_a_bank_names_the_commands_that_learn_one() -> None:
    with pytest.raises(
        NotFoundError, match=r"nothing is known yet .* `patchwatch banks enrol --camera nowhere --profile motion"
    ):
        run("banks", "show", "nowhere")
    listed = CliRunner().invoke(app, ["banks", "list", "nowhere"])
    assert "`patchwatch enrolments add nowhere --live 900`" in listed.stderr
    assert listed.stdout == ""
