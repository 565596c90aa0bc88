"""Requests drawn from the OpenAPI document, right and wrong ones: an answer as documented, never a 5xx."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
from fuzz_tally import Tally
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from stocked_redis import CAMERA

from patchwatch.bus.connection import connect
from workers.enrolment.banks.bank_orders import BankOrderHandler
from workers.enrolment.what_if.what_if_orders import WhatIfHandler

if TYPE_CHECKING:  # its import takes two seconds: only where it is used
    from schemathesis import GenerationMode

KIND = "API requests by its document"
TURNS = 5
THOROUGH = 1000
IDS = {"camera_id": CAMERA, "enrolment_id": "e1"}


def test_requests_by_the_document_are_answered_by_the_document(tally: Tally, stocked: Any, service: Any) -> None:
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.core.result import Ok

    schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    thorough = tally.wanted(KIND) >= THOROUGH  # most paths alone cannot be wrong, and to find that out takes long
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) == len(list(schema.get_all_operations())), "each can be drawn from"
    draws = [
        (operation, mode)
        for operation in operations
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or thorough or operation.query or operation.headers or operation.body
    ]
    [alert_id] = [name.decode() for name in stocked.client.zrange("pw:alerts:by-time", 0, 0)]
    failures: list[str] = []
    with working(stocked):
        for turn in range(TURNS):  # where nothing can be wrong, fewer are drawn than were asked for
            each = -(-(tally.wanted(KIND) - tally.inputs[KIND]) // len(draws))
            for operation, mode in draws if each > 0 else ():
                exercise(tally, stocked, operation, mode, each, turn, IDS | {"alert_id": alert_id}, failures)
    assert not failures, "\n\n".join(failures[:10])
    service.check()


@contextlib.contextmanager
def working(stocked: Any) -> Iterator[None]:
    """What an enrolment worker does with orders: else every change of a bank, and what-if, is answered 503."""
    with connect(stocked.settings.redis_url.get_secret_value()) as client:
        threads = [handler(stocked.settings, client).thread for handler in (BankOrderHandler, WhatIfHandler)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.stop()


def exercise(
    tally: Tally, stocked: Any, operation: Any, mode: GenerationMode, each: int, turn: int, ids: dict[str, str],
    failures: list[str],
) -> None:  # fmt: skip
    """Half of the requests name what is there: ids that were made up lead no further than 404."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

    checks = [not_a_server_error, content_type_conformance, response_schema_conformance]

    @seed(int(tally.seed) + turn)
    @settings(max_examples=each, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        tally.inputs[KIND] += 1
        if tally.inputs[KIND] % 2:
            case.path_parameters |= {name: ids[name] for name in case.path_parameters if name in ids}
        try:
            response = case.call(timeout=10)
            tally.count(KIND, response.status_code)
            case.validate_response(response, checks=checks)
        except (FailureGroup, httpx.TransportError, OSError) as error:  # all of them are reported at the end
            failures.append(f"{case.method} {case.formatted_path}: {error}"[:1500])
        if case.method not in ("GET", "HEAD"):
            stocked.reset()

    with contextlib.suppress(Unsatisfiable):  # nothing can be wrong where nothing is asked for
        run()
