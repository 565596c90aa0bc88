"""Alert rules and the dashboard ask for figures that exist: one that was renamed would be silent for ever."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.messages.alerts.evidence import EvidenceStatus

DEPLOY = Path(__file__).parents[3] / "deploy"


@pytest.mark.parametrize("name", ["prometheus-rules.yml", "grafana/dashboards/patchwatch.json"])
async def test_every_figure_that_is_asked_for_exists(api: httpx.AsyncClient, world: World, name: str) -> None:
    world.bus.set(keys.EVIDENCE_STATUS, EvidenceStatus(updated_at_ms=1).encode())
    text = (await api.get("/metrics")).text
    exposed = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    asked = set(re.findall(r"\bpatchwatch_[a-z_]+", (DEPLOY / name).read_text()))
    assert asked
    assert asked <= exposed


def test_the_dashboard_has_panels_beside_each_other_and_one_source_of_data() -> None:
    dashboard = json.loads((DEPLOY / "grafana/dashboards/patchwatch.json").read_text())
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(set(places)) == len({panel["id"] for panel in dashboard["panels"]}) == len(places)
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {"${datasource}"}
