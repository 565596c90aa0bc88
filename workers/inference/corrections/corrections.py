"""Follows the corrections of all cameras of this worker: a change counts within about a second."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from models.memory.spans import SpanMs
from models.memory.stretches.stretch import Stretch
from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.corrections import remedy_of
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.analysis_status import CorrectionsInForce
from patchwatch.messages.cameras.correction import CameraCorrections
from workers.inference.camera_state import CameraState
from workers.inference.corrections.addition_maker import AdditionOrder, AdditionsMade, make_additions

Held = Callable[[str, Sequence[SpanMs]], tuple[Stretch, ...]]
NO_BANK = "the camera is not scored yet"
NO_MEMORY = "nothing is remembered, as PATCHWATCH_MEMORY_MB is 0"
log = logging.getLogger(__name__)


class Corrections:
    """Belongs to the scoring thread; memories are read in a thread beside it, one camera's at a time. A camera without
    corrections costs a look into a dictionary once a second, and nothing per frame."""

    def __init__(self, client: Any, settings: Settings, held: Held | None, clock: BusClock) -> None:
        """``held``: gives what is not on disk yet of a camera's memory; None: nothing is remembered."""
        self._client = client
        self._settings = settings
        self._held = held
        self._clock = clock
        self._revision: bytes | None = None
        self._records: dict[str, CameraCorrections] = {}  # the last of each camera that could be read
        self._unreadable: frozenset[str] = frozenset()  # cameras of which the stored ones cannot be read
        self._applied: dict[str, AdditionsMade] = {}  # by camera id, as the two above
        self._running: dict[str, Future[AdditionsMade]] = {}  # at most one per camera
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="corrections")

    def refresh(self) -> None:
        """Read what operators said, where that has changed. Of a record that cannot be read the last that could be is
        kept: it must not be forgotten. Raises redis-py's errors."""
        revision = self._client.get(keys.CORRECTIONS_REVISION)
        if revision == self._revision:
            return
        records: dict[str, CameraCorrections] = {}
        unreadable = set()
        for name, data in self._client.hgetall(keys.CORRECTIONS).items():
            camera_id = name.decode(errors="replace")
            try:
                records[camera_id] = CameraCorrections.decode(data)
            except InvalidMessageError as error:
                log.error("%s: what operators said of its normal cannot be read: %s", camera_id, error)
                unreadable.add(camera_id)
                if camera_id in self._records:
                    records[camera_id] = self._records[camera_id]
        self._records, self._unreadable, self._revision = records, frozenset(unreadable), revision

    def follow(self, state: CameraState) -> None:
        """Make what was said of this camera count, and its status say so."""
        camera_id = state.camera.id
        record = self._records.get(camera_id)
        state.bank.note_corrections_fault(_fault(camera_id, record) if camera_id in self._unreadable else None)
        if camera_id not in self._applied and (record is None or not record.adding()):
            return
        record = record or CameraCorrections(camera_id=camera_id)
        scorer, engine = state.bank.scorer, state.bank.engine
        if scorer is None or engine is None or self._held is None:
            waiting = len(record.adding())
            self._applied.pop(camera_id, None)
            state.bank.note_corrections(_none_in_force(waiting, NO_BANK if self._held else NO_MEMORY))
            return
        self._take_result(state, record)
        applied = self._applied.get(camera_id)
        if applied is None or applied.order.bank is not scorer.bank:
            order = self._order(state, record, read=False)
            if order is not None:  # no frame is scored before what is known counts
                self._apply(state, make_additions(order, self._settings.memory_mb))
        if self._is_due(camera_id, record) and camera_id not in self._running:
            order = self._order(state, record, read=True)
            if order is not None:
                self._running[camera_id] = self._thread.submit(make_additions, order, self._settings.memory_mb)

    def follow_only(self, camera_ids: Collection[str]) -> None:
        """These are the cameras of this worker now."""
        for camera_id in self._applied.keys() - set(camera_ids):
            del self._applied[camera_id]
        for camera_id in self._running.keys() - set(camera_ids):
            self._running.pop(camera_id).cancel()

    def stop(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _is_due(self, camera_id: str, record: CameraCorrections) -> bool:
        applied = self._applied.get(camera_id)
        if applied is None or applied.order.corrections != record:
            return True
        return applied.again_ms is not None and self._clock.now_ms() >= applied.again_ms

    def _take_result(self, state: CameraState, record: CameraCorrections) -> None:
        """What was made for another bank, or before another word, is made again."""
        future = self._running.get(state.camera.id)
        if future is None or not future.done():
            return
        del self._running[state.camera.id]
        error = future.exception()
        if error is not None:
            log.error("%s: its corrections cannot be applied", state.camera.id, exc_info=error)
            return
        made = future.result()
        if made.order.bank is state.bank.loaded and made.order.corrections == record:
            self._apply(state, made)

    def _apply(self, state: CameraState, made: AdditionsMade) -> None:
        scorer = state.bank.scorer
        if scorer is None:
            return
        scorer.use_additions(made.additions)
        why = "; ".join(sorted(set(made.waiting.values())))
        changed = state.bank.note_corrections(
            CorrectionsInForce(in_force=made.in_force, waiting=len(made.waiting), why_waiting=why)
        )
        if changed:
            waits = f", {len(made.waiting)} wait ({why})" if made.waiting else ""
            log.info("%s: %d corrections in force%s", state.camera.id, made.in_force, waits)
        if made.order.corrections.adding():
            self._applied[state.camera.id] = made
        else:
            self._applied.pop(state.camera.id, None)
            state.bank.note_corrections(None)

    def _order(self, state: CameraState, record: CameraCorrections, *, read: bool) -> AdditionOrder | None:
        bank, engine, camera = state.bank.loaded, state.bank.engine, state.camera
        if bank is None or engine is None:
            return None
        spans = [(span.from_ms, span.until_ms) for one in record.adding() for span in one.spans]
        held = self._held(camera.id, spans) if read and self._held else ()
        folder = self._settings.memory_path(camera.id, camera.profile)
        return AdditionOrder(
            camera.id, bank, engine.identity, engine.profile, folder, record, held, self._clock.now_ms(), read
        )


def _fault(camera_id: str, last: CameraCorrections | None) -> str:
    goes_on = "none counts" if last is None else "the last that could be read go on to count"
    return f"what operators said of its normal cannot be read, {goes_on}: {remedy_of(camera_id)}"


def _none_in_force(waiting: int, why: str) -> CorrectionsInForce | None:
    return CorrectionsInForce(waiting=waiting, why_waiting=why) if waiting else None
