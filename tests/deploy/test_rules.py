"""Each alert rule fires when what it is about happens, and none while all is well."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import parts
import pytest
import yaml

RULES = Path(__file__).parents[2] / "deploy" / "prometheus-rules.yml"
CAMERA = 'camera="gate"'
# What a healthy installation shows, each minute (promtool's notation: from, step, times).
HEALTHY = {
    'patchwatch_websocket_clients{topic="alerts"}': "0x90",
    'patchwatch_workers{role="inference"}': "2x90",
    'patchwatch_workers{role="ingest"}': "1x90",
    f'patchwatch_capture_state{{{CAMERA},state="live"}}': "1x90",
    f'patchwatch_capture_state{{{CAMERA},state="offline"}}': "0x90",
    f'patchwatch_arming_state{{{CAMERA},state="learning"}}': "0x90",
    f'patchwatch_arming_state{{{CAMERA},state="armed"}}': "1x90",
    f"patchwatch_score_age_seconds{{{CAMERA}}}": "0.2x90",
    f"patchwatch_lag_seconds{{{CAMERA}}}": "0.2x90",
    f"patchwatch_frames_captured_total{{{CAMERA}}}": "0+300x90",
    f'patchwatch_frames_dropped_total{{{CAMERA},reason="too_old"}}': "0+3x90",
    f'patchwatch_frames_dropped_total{{{CAMERA},reason="no_bank"}}': "0+300x90",
    f"patchwatch_frames_lost_total{{{CAMERA}}}": "7x90",
    f"patchwatch_frames_unaccounted{{{CAMERA}}}": "0x90",
    f"patchwatch_reconnects_total{{{CAMERA}}}": "0x40 1x50",
    f"patchwatch_analysis_fps{{{CAMERA}}}": "5x90",
    f"patchwatch_configured_fps{{{CAMERA}}}": "5x90",
    'patchwatch_demand_workers{role="inference"}': "2x90",
    'patchwatch_demand_workers{role="ingest"}': "1x90",
    'patchwatch_demand_full{role="inference"}': "0x90",
    'patchwatch_webhook_failing{webhook="home"}': "0x90",
    'patchwatch_channel_failing{channel="phone"}': "0x90",
    "patchwatch_evidence_failing": "0x90",
    'patchwatch_memory_dropped_total{worker="a:1",reason="disk"}': "2x90",
    'patchwatch_failed_cuda_graphs{worker="a:1"}': "0x90",
}
# alert -> what is different then (None: the series is absent), and the labels that the alert has
TROUBLES: dict[str, tuple[dict[str, str | None], dict[str, str]]] = {
    "PatchwatchDown": (dict.fromkeys(HEALTHY), {}),
    "PatchwatchNoWorkers": ({'patchwatch_workers{role="inference"}': None}, {"role": "inference"}),
    "PatchwatchCameraOffline": (
        {f'patchwatch_capture_state{{{CAMERA},state="offline"}}': "1x90"}, {"camera": "gate"},
    ),
    "PatchwatchCameraFlaps": ({f"patchwatch_reconnects_total{{{CAMERA}}}": "0+1x90"}, {"camera": "gate"}),
    "PatchwatchScoresStale": ({f"patchwatch_score_age_seconds{{{CAMERA}}}": "0+60x90"}, {"camera": "gate"}),
    "PatchwatchLag": ({f"patchwatch_lag_seconds{{{CAMERA}}}": "3x90"}, {"camera": "gate"}),
    "PatchwatchFramesDropped": (
        {f'patchwatch_frames_dropped_total{{{CAMERA},reason="too_old"}}': "0+30x90"}, {"camera": "gate"},
    ),
    "PatchwatchFramesLost": ({f"patchwatch_frames_lost_total{{{CAMERA}}}": "0+1x90"}, {"camera": "gate"}),
    "PatchwatchFramesUnaccounted": ({f"patchwatch_frames_unaccounted{{{CAMERA}}}": "1x90"}, {"camera": "gate"}),
    "PatchwatchRateLowered": ({f"patchwatch_analysis_fps{{{CAMERA}}}": "2.5x90"}, {"camera": "gate"}),
    "PatchwatchTooFewWorkers": ({'patchwatch_demand_workers{role="inference"}': "4x90"}, {"role": "inference"}),
    "PatchwatchDemandFull": ({'patchwatch_demand_full{role="inference"}': "1x90"}, {"role": "inference"}),
    "PatchwatchNotArmed": (
        {f'patchwatch_arming_state{{{CAMERA},state="learning"}}': "1x90"}, {"camera": "gate", "state": "learning"},
    ),
    "PatchwatchWebhookFailing": ({'patchwatch_webhook_failing{webhook="home"}': "1x90"}, {"webhook": "home"}),
    "PatchwatchChannelFailing": ({'patchwatch_channel_failing{channel="phone"}': "1x90"}, {"channel": "phone"}),
    "PatchwatchEvidenceFailing": ({"patchwatch_evidence_failing": "1x90"}, {}),
    "PatchwatchMemoryDropped": (
        {'patchwatch_memory_dropped_total{worker="a:1",reason="disk"}': "0+1x90"},
        {"worker": "a:1", "reason": "disk"},
    ),
    "PatchwatchSlowNetworks": ({'patchwatch_failed_cuda_graphs{worker="a:1"}': "3x90"}, {"worker": "a:1"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def rules() -> dict[str, dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def test_every_rule_says_what_it_means_and_what_to_do(rules: dict[str, dict[str, Any]]) -> None:
    for rule in rules.values():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"].keys() == {"summary", "action"}


def test_every_rule_fires_in_its_trouble_and_none_while_all_is_well(
    tmp_path: Path, rules: dict[str, dict[str, Any]]
) -> None:
    assert rules.keys() == TROUBLES.keys()
    answer = _promtool(tmp_path, rules, [_case({}, {name: [] for name in rules})])
    assert answer.returncode == 0, answer.stdout + answer.stderr
    slow = {name for name, rule in rules.items() if rule.get("for", "").endswith("d")}
    for minutes, names in ((1, rules.keys() - slow), (20, slow)):  # the slow ones are looked at less often
        cases = [_case(TROUBLES[name][0], {name: [_fired(rules, name)]}, minutes) for name in sorted(names)]
        answer = _promtool(tmp_path, rules, cases, minutes)
        assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_rule_that_does_not_fire_is_noticed(tmp_path: Path, rules: dict[str, dict[str, Any]]) -> None:
    case = _case({}, {"PatchwatchLag": [_fired(rules, "PatchwatchLag")]})
    assert _promtool(tmp_path, rules, [case]).returncode != 0


def _fired(rules: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    return {"exp_labels": {**TROUBLES[name][1], **rules[name]["labels"]}}


def _case(
    changes: dict[str, str | None], expected: dict[str, list[dict[str, Any]]], minutes: int = 1
) -> dict[str, Any]:
    """What the alerts should be when these series have run for eighty steps, of so many minutes each."""
    values = {**HEALTHY, **changes}
    return {
        "interval": f"{minutes}m",
        "input_series": [{"series": name, "values": value} for name, value in values.items() if value is not None],
        "alert_rule_test": [
            {"eval_time": f"{80 * minutes}m", "alertname": name, "exp_alerts": alerts}
            for name, alerts in expected.items()
        ],
    }


def _promtool(
    folder: Path, rules: dict[str, dict[str, Any]], cases: list[dict[str, Any]], minutes: int = 1
) -> subprocess.CompletedProcess[str]:
    """Check the rules and run the cases, with the words of the rules left out: promtool would compare them, too."""
    worded = [{**rule, "annotations": {}} for rule in rules.values()]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "patchwatch", "rules": worded}]}))
    tests = {"rule_files": ["rules.yml"], "evaluation_interval": f"{minutes}m", "tests": cases}
    (folder / "tests.yml").write_text(yaml.safe_dump(tests))
    for command in (["check", "rules", str(RULES)], ["test", "rules", str(folder / "tests.yml")]):
        answer = subprocess.run([parts.promtool(), *command], capture_output=True, text=True, timeout=240)
        if answer.returncode:
            break
    return answer
