"""What the API says of absence."""

from __future__ import annotations

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.cli.commands.cameras.absence import table
from patchwatch.messages.cameras.activity import NOTHING, QUARTERS, UNKNOWN, Absence, AbsenceState

PATH = "/api/v1/cameras/gate/absence"


async def test_it_is_off_until_somebody_asks_for_it(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    answer = (await api.get(PATH)).json()
    assert (answer["alert_below"], answer["state"], answer["weeks"]) == (None, None, [])
    assert "patchwatch cameras absence gate --chance 0.01" in answer["text"]
    changed = await api.patch("/api/v1/cameras/gate", json={"absence_chance": 0.01})
    assert changed.json()["absence_chance"] == 0.01
    assert "is `patchwatch run enrolment` running?" in (await api.get(PATH)).json()["text"]


@pytest.mark.parametrize("chance", [0, 0.5, "often"])
async def test_a_chance_that_is_none_is_refused(api: httpx.AsyncClient, world: World, chance: object) -> None:
    world.camera()
    assert (await api.patch("/api/v1/cameras/gate", json={"absence_chance": chance})).status_code == 422


async def test_state_and_weeks_are_shown(api: httpx.AsyncClient, world: World) -> None:
    world.camera(absence_chance=0.02)
    absence = Absence(
        camera_id="gate", state=AbsenceState.WATCHING, text="nothing has moved", chance=0.3, weeks=4, quiet_since_ms=9
    )
    world.bus.hset(keys.ABSENCES, "gate", absence.encode())
    row = bytearray([NOTHING] * QUARTERS)
    row[0], row[1] = 255, UNKNOWN
    world.bus.hset(world.keys_of("gate").activity, mapping={"105660": bytes(row), "no week": b"x"})
    answer = (await api.get(PATH)).json()
    assert (answer["state"], answer["chance"], answer["known_weeks"]) == ("watching", 0.3, 4)
    [week] = answer["weeks"]
    assert [len(day) for day in week["days"]] == [96] * 7
    assert week["days"][0][:3] == [100, None, 0]
    assert table(answer["weeks"])[1].startswith("Mon  +")


async def test_it_is_gone_with_the_camera(api: httpx.AsyncClient, world: World) -> None:
    world.camera(absence_chance=0.02)
    world.bus.hset(world.keys_of("gate").activity, mapping={"105660": bytes(QUARTERS)})
    assert (await api.delete("/api/v1/cameras/gate")).status_code == 204
    assert not world.bus.exists(world.keys_of("gate").activity)
