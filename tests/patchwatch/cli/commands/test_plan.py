from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from patchwatch.cli.app import app
from patchwatch.contract.errors import RejectedError


def run(*arguments: str) -> str:
    answer = CliRunner().invoke(app, ["plan", *arguments], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_the_plan_says_what_is_needed_where_it_is_from_and_what_gives_way() -> None:
    text = run("--cameras", "2000", "--profile", "motion")
    assert "10,000 frames/s" in text
    for word in ("inference", "ingest", "redis", "pipeline-motion", "BEYOND", "Estimate:"):
        assert word in text


def test_the_plan_as_json() -> None:
    found = json.loads(run("--cameras", "40", "--profile", "scene", "--fps", "2.5", "--json"))
    assert found["order"]["cameras"] == 40
    assert found["frames_per_s"] == 100
    assert found["cores"] == pytest.approx(sum(process["cores"] for process in found["processes"]))
    assert found["beyond"] == []


def test_a_profile_that_was_not_measured_is_refused() -> None:
    with pytest.raises(RejectedError, match="choose one of"):
        run("--cameras", "4", "--profile", "mine")


def test_the_plan_counts_machines_and_says_what_they_cost_at_the_users_price() -> None:
    bare = json.loads(run("--cameras", "400", "--profile", "motion", "--json"))
    assert bare["bill"]["price"] is None
    priced = json.loads(run("--cameras", "400", "--profile", "motion", "--price", "100", "--json"))["bill"]
    assert priced["price"] == 100 * (priced["machines"] + priced["redis_machines"])
    assert priced["price_a_camera"] == pytest.approx(priced["price"] / 400)
    assert "a camera" in run("--cameras", "400", "--profile", "motion", "--price", "100")


def test_more_than_one_redis_can_do_becomes_several_installations() -> None:
    found = json.loads(run("--cameras", "10000", "--profile", "motion", "--json"))
    assert found["installations"] == found["bill"]["redis_machines"] > 1
    assert f"at least {found['installations']} installations" in run("--cameras", "10000", "--profile", "motion")


def test_a_machine_that_is_none_and_a_gpu_without_a_price_are_refused() -> None:
    with pytest.raises(RejectedError, match="CORES:GIB"):
        run("--cameras", "4", "--machine", "large")
    with pytest.raises(RejectedError, match="--gpu-price"):
        run("--cameras", "100", "--profile", "clip", "--gpu", "--price", "100")
