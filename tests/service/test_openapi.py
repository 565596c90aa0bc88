from __future__ import annotations

import json

import httpx
from service_world import World


async def test_every_route_has_a_summary_and_every_model_an_example(api: httpx.AsyncClient, world: World) -> None:
    document = (await api.get("/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert route.get("summary"), f"{method} {path}"
    for name in (
        "CameraView",
        "NewCamera",
        "ScorePoint",
        "AlertView",
        "ReviewedAlertView",
        "NewVerdict",
        "EnrolmentView",
        "CameraStatus",
        "Problem",
    ):
        assert "example" in json.dumps(document["components"]["schemas"][name]), name


async def test_every_reference_leads_somewhere(api: httpx.AsyncClient, world: World) -> None:
    document = (await api.get("/openapi.json")).json()
    text = json.dumps(document)
    schemas = document["components"]["schemas"]
    for reference in text.split('"#/components/schemas/')[1:]:
        assert reference.split('"')[0] in schemas
