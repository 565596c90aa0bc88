"""``patchwatch enrolments`` asks the service to learn, shows what it does, and cancels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from patchwatch.cli.app import app
from patchwatch.cli.commands import enrolments
from patchwatch.contract.errors import RejectedError, RetryableError
from patchwatch.rest_client import RestClient

Asked = list[tuple[str, str, Any]]


def job(job_id: str, state: str, **fields: Any) -> dict[str, Any]:
    known = {
        "id": job_id, "camera_id": "gate", "profile": "motion", "sources": [], "live_seconds": 600.0, "state": state,
        "progress": 0.3, "detail": "", "outcome": "",
    }  # fmt: skip
    return known | fields


class Service:
    """Has these enrolments; each request for the new one returns its next state."""

    def __init__(self) -> None:
        self.asked: Asked = []
        self.jobs = [job("e2", "queued", detail="number 1"), job("e1", "running", detail="recording")]
        self.coming = [job("e3", "running"), job("e3", "done", outcome="bank b is active")]

    def answer(self, method: str, path: str, body: Any = None) -> Any:
        self.asked.append((method, path, body))
        if method == "POST":
            return job("e3", "queued")
        if method == "DELETE":
            return job(path.rpartition("/")[2], "cancelled")
        return self.coming.pop(0) if path.endswith("/e3") else {"enrolments": self.jobs}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    monkeypatch.setattr(RestClient, "request", lambda _, *request: service.answer(*request))
    monkeypatch.setattr(enrolments, "_POLL_S", 0.0)
    return service


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ("enrolments", *words), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_a_camera_is_learnt_from_itself_or_from_recordings(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    run("add", "gate", "--live", "600", "--profile", "objects")
    run("add", "gate", "a.mp4", "file:/media/b.mp4", "--activate")
    (_, path, live), (_, _, recorded) = service.asked
    assert path == "/cameras/gate/enrolments"
    assert live == {"profile": "objects", "activate": False, "live_seconds": 600.0}
    assert recorded == {"activate": True, "sources": [f"file:{Path('/a.mp4')}", "file:/media/b.mp4"]}


def test_waiting_returns_when_it_is_over(service: Service) -> None:
    assert "done  bank b is active" in run("add", "gate", "--live", "600", "--wait")
    service.coming = [job("e3", "failed", detail="it is dark")]
    with pytest.raises(RetryableError, match="enrolment e3 of gate failed: it is dark"):
        run("add", "gate", "--live", "600", "--wait")


def test_what_waits_and_runs_is_listed(service: Service) -> None:
    queued, running = run("list").splitlines()
    assert queued.endswith("600 s live     queued  number 1")
    assert running.endswith("running 30%  recording")
    run("list", "gate")
    assert [path for _, path, _ in service.asked] == ["/enrolments", "/cameras/gate/enrolments"]


def test_an_empty_list_says_how_to_begin(service: Service) -> None:
    service.jobs = []
    assert "patchwatch enrolments add CAMERA --live SECONDS" in CliRunner().invoke(app, ["enrolments", "list"]).stderr


def test_one_or_all_of_a_camera_are_cancelled(service: Service) -> None:
    assert "cancelled" in run("cancel", "gate", "e1")
    run("cancel", "gate")
    deleted = [path for method, path, _ in service.asked if method == "DELETE"]
    assert deleted == [f"/cameras/gate/enrolments/{one}" for one in ("e1", "e2", "e1")]
    service.jobs = [job("e1", "done")]
    with pytest.raises(RejectedError, match="no enrolment of gate waits or runs"):
        run("cancel", "gate")
