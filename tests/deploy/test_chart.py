"""The Helm chart: what it renders is valid for Kubernetes and KEDA, keeps to the policy of restricted pods, and agrees
with the program."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import keda_schemas
import parts
import pytest
import yaml

from patchwatch import __version__
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings, known_variables
from service.schemas.demand import DemandView

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "patchwatch"
NEEDED = ("existingSecret=secrets", "storage.storeUrl=s3://bucket/pw", "storage.evidenceUrl=s3://bucket/evidence")
EVERYTHING = (
    *NEEDED, "autoscaling.enabled=true", "ingress.enabled=true", "ingress.host=pw.example", "ingress.tlsSecret=tls",
    "monitoring.serviceMonitor.enabled=true", "monitoring.rules.enabled=true", "roles.inference.gpus=1",
    "storage.credentialsSecret=s3", "media.existingClaim=recordings", "env.PATCHWATCH_DEVICE=cuda",
    "oidc.issuer=https://login.example/realms/home", "oidc.clientId=pw", "oidc.roles.staff=operator",
    "oidc.roles.house admins=admin", "oidc.allowedGroups={staff,house admins}",
    "secretKeys.oidcClientSecret=oidc-client-secret",
    "tracing.url=http://collector.monitoring.svc:4318",
)  # fmt: skip
LOGIN = ("oidc.issuer=https://login.example", "oidc.clientId=pw", "oidc.roles.staff=viewer")
OF_OTHERS = ("ServiceMonitor", "PrometheusRule")  # of the Prometheus operator
Resource = dict[str, Any]


def render(*values: str) -> list[Resource]:
    answer = _helm(*values)
    assert answer.returncode == 0, answer.stderr
    return [resource for resource in yaml.safe_load_all(answer.stdout) if resource]


def _helm(*values: str) -> subprocess.CompletedProcess[str]:
    chosen = [part for value in values for part in ("--set", value)]
    command = [parts.helm(), "template", "pw", str(CHART), "--namespace", "video", *chosen]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def plain() -> list[Resource]:
    return render(*NEEDED)


@pytest.fixture(scope="module")
def everything() -> list[Resource]:
    return render(*EVERYTHING)


def of_kind(resources: list[Resource], kind: str) -> dict[str, Resource]:
    return {resource["metadata"]["name"]: resource for resource in resources if resource["kind"] == kind}


def pods(resources: list[Resource]) -> Iterator[tuple[str, Resource, Resource]]:
    """The component, the pod, and its one container, of each Deployment."""
    for deployment in of_kind(resources, "Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        yield container["name"], pod, container


def test_the_resources_are_valid_for_kubernetes(plain: list[Resource], everything: list[Resource]) -> None:
    schemas = parts.kubernetes_validate()
    for version, resources in (("1.27", everything), (schemas.latest_version(), [*plain, *everything])):
        for resource in resources:
            if resource["apiVersion"].startswith("keda.sh/") or resource["kind"] in OF_OTHERS:
                continue
            schemas.validate(resource, version, strict=True)


def test_the_resources_are_valid_for_keda(plain: list[Resource], everything: list[Resource]) -> None:
    custom = [resource for resource in everything if resource["apiVersion"].startswith("keda.sh/")]
    assert sorted(resource["kind"] for resource in custom) == ["ScaledObject", "ScaledObject", "TriggerAuthentication"]
    for resource in custom:
        assert resource["apiVersion"] == "keda.sh/v1alpha1"
        jsonschema.validate(resource["spec"], keda_schemas.SPECS[resource["kind"]])
    assert not [resource for resource in plain if resource["apiVersion"].startswith("keda.sh/")]


def test_pods_are_restricted(everything: list[Resource]) -> None:
    found = list(pods(everything))
    assert sorted(name for name, _, _ in found) == sorted(Role)
    for _, pod, container in found:
        whole, own = pod["securityContext"], container["securityContext"]
        assert whole["runAsNonRoot"]
        assert whole["runAsUser"] == whole["runAsGroup"] == whole["fsGroup"] == 10001
        assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
        assert own == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not pod["automountServiceAccountToken"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys() & container["resources"]["requests"].keys()
        for volume in pod["volumes"]:
            assert "hostPath" not in volume
            assert volume.get("emptyDir", {"sizeLimit": "bounded"})["sizeLimit"]


def test_every_role_has_a_probe_a_budget_and_a_network_policy(everything: list[Resource]) -> None:
    budgets, policies = of_kind(everything, "PodDisruptionBudget"), of_kind(everything, "NetworkPolicy")
    for name, deployment in of_kind(everything, "Deployment").items():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"] == labels
        assert budgets[name]["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": labels}}
        assert policies[name]["spec"]["podSelector"]["matchLabels"] == labels
    for _, _, container in pods(everything):
        assert "readinessProbe" in container
    assert "Egress" in policies["pw-inference"]["spec"]["policyTypes"]


def test_settings_and_roles_are_those_of_the_program(everything: list[Resource]) -> None:
    for role, _, container in pods(everything):
        assert container["args"] == ["run", role]
        assert container["image"] == f"patchwatch:{__version__}"
        environment = {entry["name"]: entry["value"] for entry in container["env"]}
        assert environment.keys() <= known_variables()
        files = {name: value for name, value in environment.items() if name.endswith("_FILE")}
        assert all(value.startswith("/run/secrets/patchwatch/") for value in files.values())
        given = {name.removesuffix("_FILE"): "redis://secret" for name in files}  # what the files hold
        values = {name: value for name, value in environment.items() if name not in files} | given
        Settings.model_validate({name.removeprefix("PATCHWATCH_").lower(): value for name, value in values.items()})


def test_each_role_sees_the_secrets_it_needs_and_no_other(everything: list[Resource]) -> None:
    seen = {}
    for role, pod, container in pods(everything):
        secrets = next(volume["secret"] for volume in pod["volumes"] if volume["name"] == "secrets")
        seen[role] = {item["path"] for item in secrets["items"]}
        named = {Path(entry["value"]).name for entry in container["env"] if entry["name"].endswith("_FILE")}
        assert named == seen[role]
        assert secrets["secretName"] == "secrets"
    assert seen["service"] == {"redis-url", "api-token", "oidc-client-secret"}
    assert seen["ingest"] == {"redis-url", "publish-password"}
    assert seen["inference"] == seen["enrolment"] == seen["delivery"] == {"redis-url"}


def environments(resources: list[Resource]) -> dict[str, dict[str, str]]:
    return {role: {one["name"]: one["value"] for one in pod["env"]} for role, _, pod in pods(resources)}


def test_users_log_in_at_the_provider_that_is_named(plain: list[Resource], everything: list[Resource]) -> None:
    found = environments(everything)["service"]
    settings = Settings.model_validate(
        {name.removeprefix("PATCHWATCH_").lower(): value for name, value in found.items() if not name.endswith("_FILE")}
    )
    assert (settings.oidc_issuer, settings.oidc_client_id) == ("https://login.example/realms/home", "pw")
    assert settings.public_url == "https://pw.example"  # of the ingress
    assert sorted(settings.oidc_roles.split(",")) == ["house admins=admin", "staff=operator"]
    assert settings.oidc_allowed_groups == "staff,house admins"
    assert settings.oidc_session_hours == 24
    assert settings.password_login
    assert not settings.oidc_link_users
    told = {role for role, names in environments(everything).items() if "OIDC" in "".join(names)}
    assert told == {"service"}
    assert "OIDC" not in "".join(environments(plain)["service"])


def test_settings_of_ones_own_are_given_once(everything: list[Resource]) -> None:
    own = render(*EVERYTHING, "env.PATCHWATCH_PUBLIC_URL=https://home.example/cams")
    for resources, url in ((everything, "https://pw.example"), (own, "https://home.example/cams")):
        for _, _, container in pods(resources):
            given = [one["value"] for one in container["env"] if one["name"] == "PATCHWATCH_PUBLIC_URL"]
            assert given == [url]


@pytest.mark.parametrize(
    ("url", "port"), [("http://c.svc:4318", 4318), ("https://c.example/v1", 443), ("http://[fd00::1]:4319/x", 4319)]
)
def test_frames_are_traced_by_the_roles_that_do_and_the_collector_can_be_reached(url: str, port: int) -> None:
    resources = render(*NEEDED, f"tracing.url={url}", "tracing.oneIn=10")
    for role, names in environments(resources).items():
        traced = (names.get("PATCHWATCH_TRACE_URL"), names.get("PATCHWATCH_TRACE_ONE_IN"))
        assert traced == ((url, "10") if role in ("ingest", "inference") else (None, None))
    [egress] = of_kind(resources, "NetworkPolicy")["pw-inference"]["spec"]["egress"]
    assert port in [one["port"] for one in egress["ports"]]


def test_the_autoscaler_asks_for_what_the_service_answers(everything: list[Resource]) -> None:
    answer = DemandView.model_json_schema()
    fields = answer["$defs"]["RoleDemandView"]["properties"]
    deployments, services = of_kind(everything, "Deployment"), of_kind(everything, "Service")
    for name, scaled in of_kind(everything, "ScaledObject").items():
        spec = scaled["spec"]
        (trigger,) = spec["triggers"]
        role, field = trigger["metadata"]["valueLocation"].split(".")
        assert role in answer["properties"]
        assert field in fields
        assert name == spec["scaleTargetRef"]["name"] == f"pw-{role}"
        assert "replicas" not in deployments[name]["spec"]  # or each upgrade would set the number back
        assert trigger["metadata"]["url"] == "http://pw-service.video.svc:8080/api/v1/demand"
        assert trigger["authenticationRef"]["name"] in of_kind(everything, "TriggerAuthentication")
    assert services["pw-service"]["spec"]["ports"] == [{"name": "http", "port": 8080, "targetPort": "http"}]


def test_never_more_inference_workers_than_partitions(everything: list[Resource]) -> None:
    environment = next(container["env"] for role, _, container in pods(everything) if role == "inference")
    partitions = next(entry["value"] for entry in environment if entry["name"] == "PATCHWATCH_PARTITIONS")
    most = of_kind(everything, "ScaledObject")["pw-inference"]["spec"]["maxReplicaCount"]
    assert most <= int(partitions)
    for values in ("autoscaling.inference.maxReplicas=65", "roles.inference.replicas=65"):
        assert "only as many workers as partitions (64)" in _helm(*NEEDED, values).stderr


def test_a_gpu_is_asked_for_only_where_it_is_wanted(plain: list[Resource], everything: list[Resource]) -> None:
    asked = {role: container["resources"]["limits"].get("nvidia.com/gpu") for role, _, container in pods(everything)}
    assert {role for role, gpus in asked.items() if gpus} == {"inference"}
    assert not any("nvidia.com/gpu" in container["resources"]["limits"] for _, _, container in pods(plain))


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        (NEEDED[1:], "set existingSecret"),
        (NEEDED[:1], "storage.storeUrl"),
        (NEEDED[:2], "storage.evidenceUrl"),
        ((*NEEDED, "partition=8"), "additional properties 'partition' not allowed"),
        ((*NEEDED, "env.HOME=x"), "HOME"),
        ((*NEEDED, "ingress.enabled=true"), "set ingress.host"),
        ((*NEEDED, "oidc.issuer=https://login.example"), "oidc.clientId"),
        ((*NEEDED, "oidc.issuer=https://login.example", "oidc.clientId=pw"), "oidc.roles"),
        ((*NEEDED, *LOGIN), "set publicUrl"),
        ((*NEEDED, *LOGIN, "publicUrl=https://pw.example", "oidc.roles.staff=owner"), "staff"),
        ((*NEEDED, "oidc.passwordLogin=false"), "nobody could log in"),
        ((*NEEDED, "tracing.url=collector:4318"), "tracing"),
    ],
)
def test_what_could_not_work_is_refused_with_what_to_do(values: tuple[str, ...], advice: str) -> None:
    answer = _helm(*values)
    assert answer.returncode != 0
    assert advice in answer.stderr


def test_the_chart_is_of_this_version_and_carries_the_same_alert_rules() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == chart["version"] == __version__
    rules = (CHART.parents[1] / "prometheus-rules.yml").read_text()
    assert (CHART / "files" / "prometheus-rules.yml").read_text() == rules
    assert json.loads((CHART / "values.schema.json").read_text())["additionalProperties"] is False
