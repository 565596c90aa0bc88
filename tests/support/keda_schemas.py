"""What KEDA's custom resources may hold: the fields of `keda.sh/v1alpha1` that its documentation lists for a
ScaledObject of a Deployment, a TriggerAuthentication by a Secret, and the scaler `metrics-api`. Nothing else passes."""

from __future__ import annotations

from typing import Any


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(required), "additionalProperties": False,
    }  # fmt: skip


_TEXT = {"type": "string", "minLength": 1}
_COUNT = {"type": "integer", "minimum": 0}
_POLICY = _object(
    ("type", "value", "periodSeconds"),
    type={"enum": ["Pods", "Percent"]},
    value={"type": "integer", "minimum": 1},
    periodSeconds={"type": "integer", "minimum": 1, "maximum": 1800},
)
_RULES = _object(
    stabilizationWindowSeconds={"type": "integer", "minimum": 0, "maximum": 3600},
    policies={"type": "array", "minItems": 1, "items": _POLICY},
    selectPolicy={"enum": ["Max", "Min", "Disabled"]},
    tolerance=_TEXT,
)
_METRICS_API = _object(
    ("url", "valueLocation", "targetValue"),
    url={"type": "string", "pattern": "^https?://"},
    valueLocation=_TEXT,
    targetValue={"type": "string", "pattern": r"^[0-9.]+$"},  # all metadata of triggers are strings
    activationTargetValue={"type": "string", "pattern": r"^[0-9.]+$"},
    format={"enum": ["json", "yaml", "xml", "prometheus"]},
    authMode={"enum": ["apiKey", "basic", "bearer", "tls"]},
    unsafeSsl={"enum": ["true", "false"]},
)
_TRIGGER = _object(
    ("type", "metadata"),
    type={"const": "metrics-api"},
    name=_TEXT,
    metadata=_METRICS_API,
    metricType={"enum": ["AverageValue", "Value"]},  # not Utilization, which is for the scalers of cpu and memory
    authenticationRef=_object(("name",), name=_TEXT, kind={"enum": ["TriggerAuthentication"]}),
    useCachedMetrics={"type": "boolean"},
)
SPECS: dict[str, dict[str, Any]] = {
    "ScaledObject": _object(
        ("scaleTargetRef", "triggers"),
        scaleTargetRef=_object(("name",), name=_TEXT, kind=_TEXT, apiVersion=_TEXT, envSourceContainerName=_TEXT),
        pollingInterval={"type": "integer", "minimum": 1},
        cooldownPeriod=_COUNT,
        initialCooldownPeriod=_COUNT,
        idleReplicaCount={"const": 0},
        minReplicaCount=_COUNT,
        maxReplicaCount={"type": "integer", "minimum": 1},
        advanced=_object(
            restoreToOriginalReplicaCount={"type": "boolean"},
            horizontalPodAutoscalerConfig=_object(name=_TEXT, behavior=_object(scaleUp=_RULES, scaleDown=_RULES)),
        ),
        fallback=_object(("failureThreshold", "replicas"), failureThreshold=_COUNT, replicas=_COUNT),
        triggers={"type": "array", "minItems": 1, "items": _TRIGGER},
    ),
    "TriggerAuthentication": _object(
        secretTargetRef={
            "type": "array",
            "minItems": 1,
            "items": _object(("parameter", "name", "key"), parameter=_TEXT, name=_TEXT, key=_TEXT),
        }
    ),
}
