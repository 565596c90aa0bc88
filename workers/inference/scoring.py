"""Scores a batch of queued frames of any cameras: decoding, features, score, alerts.

Where a batch fails, each of its frames is tried alone, so that a bad frame costs only itself.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from models.alarms.event_detector import AlertGate, Event
from models.banks.bank import Bank
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.detections import Detections
from models.frames.frame import Box, CameraContext, Features, Frame
from models.tampering.detector import PictureCheck
from patchwatch.contract.errors import NonFiniteScoreError, RejectedError
from patchwatch.contract.logs import about
from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.messages.alerts.explanation import Explanation
from patchwatch.messages.cameras.analysis_status import DropReason
from patchwatch.messages.cameras.zones.privacy_marks import covers
from patchwatch.messages.cameras.zones.zone import names_at
from patchwatch.messages.frames.frame import FrameMessage
from patchwatch.messages.frames.score import Region, Score, ScoreGate, StreamReading
from workers.analysis.explanation import explanation_of
from workers.analysis.high_scores import FLOOR
from workers.inference.camera_state import CameraState
from workers.inference.commit import AlertUpdate, CommitBatch
from workers.inference.queue_reader import FrameAge, QueuedFrame
from workers.inference.recording.camera_recording import Verdict
from workers.inference.recording.judged_frame import JudgedFrame
from workers.inference.recording.normal_recorder import MOST_WAITING, NormalRecorder
from workers.inference.shadow.shadow_bank import ShadowBank, shadow_alert
from workers.media import jpeg_codec
from workers.tracing.scoring_trace import ScoringTrace

log = logging.getLogger(__name__)

Batches = dict[str, tuple[CameraState, CommitBatch]]  # by camera id
_TEST_SIDE_PX = 256
_SCORE_GATES = {gate: ScoreGate(gate.value) for gate in AlertGate}
Extracted = tuple[tuple[Features, ...], Detections | None]  # one `Features` per stream; None: no detector in use


@dataclass
class ScoredFrame:
    """A frame from its decoding to its score: the last three are filled in once it is scored.

    ``own_ns``: on the camera's own time. ``gate``: whether its score may open an event.
    ``wrong``: its picture as a whole is not as it should be. ``missed``: frames before it were dropped (`CameraState`).
    """

    state: CameraState
    message: FrameMessage
    frame: Frame
    own_ns: int
    gate: AlertGate = AlertGate.OPEN
    wrong: bool = False
    missed: bool = False
    bank: Bank | None = None
    features: Sequence[Features] = ()
    score: FrameScore | None = None

    def __post_init__(self) -> None:
        self.captured_ms = self.message.captured_at_ns // 1_000_000  # Unix time

    def region(self, box: Box | None) -> Region | None:
        """A box of the analysed picture in the camera's own picture."""
        if box is None:
            return None
        message = self.message
        return Region.scaled(box, (message.width, message.height), (message.source_width, message.source_height))

    def zones(self, region: Region | None) -> tuple[str, ...]:
        """Names of the camera's zones that a region of its own picture lies in."""
        zones, size = self.state.camera.zones, (self.message.source_width, self.message.source_height)
        return names_at(zones, region, size) if zones else ()

    def explained(self) -> partial[Explanation]:
        """Says why the frame has its score when it is called, if ever. Holds nothing of its picture."""
        message = self.message
        if self.bank is None or self.score is None:
            raise RuntimeError("only a scored frame can be explained")
        return partial(
            explanation_of, self.bank, self.features, self.score,
            camera_id=self.state.camera.id, at_ms=self.captured_ms, seq=message.seq,
            size=(message.width, message.height), source_size=(message.source_width, message.source_height),
        )  # fmt: skip


def decode_frame(message: FrameMessage, own_ns: int) -> Frame:
    """A queued frame, at this moment of its camera's own time. Raises `RejectedError` when a picture is corrupt."""
    rgb, before, preceding = jpeg_codec.decode(message.jpeg), message.preceding, None
    if before is not None:
        preceding = Frame(jpeg_codec.decode(before.jpeg), (own_ns - before.ahead_ns) / 1e9)
    return Frame(rgb, own_ns / 1e9, message.discontinuity, predicted=message.predicted, preceding=preceding)


class Scorer:
    """Turns frames taken from the queue into batches to commit, in the order of each camera's frames."""

    def __init__(
        self, age: FrameAge, recorder: NormalRecorder | None = None, has_time: Callable[[], bool] = lambda: True,
        trace: ScoringTrace | None = None,
    ) -> None:  # fmt: skip
        """``recorder``: of normal, if any. ``has_time``: whether frames may be analysed that are not scored. ``trace``:
        of some of the frames."""
        self._age = age
        self._recorder = recorder
        self._has_time = has_time
        self._trace = trace

    def score(self, queued: Sequence[QueuedFrame]) -> Batches:
        """By camera; also for cameras whose frames were all dropped, so that the drops are committed."""
        batches = {frame.state.camera.id: (frame.state, CommitBatch()) for frame in queued}
        by_engine: dict[tuple[int, str], list[ScoredFrame]] = defaultdict(list)
        admitted = [frame for entry in queued if (frame := self._admit(entry, batches[entry.state.camera.id][1]))]
        for frame in admitted:
            camera_id = frame.state.camera.id
            if frame.state.ready:
                apart = camera_id if frame.state.failures.happened_recently() else ""
                by_engine[id(frame.state.bank.engine), apart].append(frame)
        for frames in by_engine.values():
            engine = frames[0].state.bank.engine
            if engine is not None:
                self._score_frames(engine, frames, batches)
        self._learn([frame for frame in admitted if not frame.state.ready])
        if self._recorder is not None and len(self._recorder.waiting) >= MOST_WAITING:
            self._recorder.record_waiting()
        return batches

    def _admit(self, queued: QueuedFrame, batch: CommitBatch) -> ScoredFrame | None:
        """Decode a frame, or drop it and count the reason. One that is dropped for want of a bank may be learnt."""
        state, message = queued.state, queued.message
        if not state.advance(queued.seq, queued.gaps):
            return None
        if message is None:
            state.count_drop(DropReason.CORRUPT)
            return None
        if state.must_hide and not covers(message.hidden, state.must_hide):
            state.count_drop(DropReason.UNMASKED)
            return None
        own_ns = state.camera_time.take(message, time.monotonic_ns())
        if state.ready and message.live and (queued.late or self._age.is_too_old(state.arrivals, message)):
            state.count_drop(DropReason.TOO_OLD)
            state.missed = True
            return None
        try:
            frame = decode_frame(message, own_ns)
        except RejectedError as error:
            which = about(state.camera.id, message.seq)
            log.warning("%s: frame %d dropped: %s", state.camera.id, message.seq, error, extra=which)
            state.count_drop(DropReason.CORRUPT)
            return None
        frame = state.cuts.mark(frame, state.bank.context.mask)
        state.keep_frame(message.seq, own_ns, cut=frame.cut)  # without a bank: for the snapshot
        check = _check_picture(state, message, frame, batch)
        if not state.ready:
            state.boxes = []
            state.count_drop(DropReason.NO_BANK)
            if not self._may_learn(queued, frame):
                return None
        missed, state.missed = state.missed, False
        return ScoredFrame(state, message, frame, own_ns, check.gate, check.wrong, missed=missed)

    def _may_learn(self, queued: QueuedFrame, frame: Frame) -> bool:
        """Whether a frame without a bank is analysed. Of one that is not, nothing before it may meet what follows."""
        state, recorder = queued.state, self._recorder
        if recorder is None or state.bank.learner is None:
            return False
        if not queued.late and self._has_time():
            return True
        if frame.discontinuity:
            state.bank.context.memory.clear()
            recorder.interrupt(state.camera.id)
        return False

    def _score_frames(self, engine: Engine, frames: Sequence[ScoredFrame], batches: Batches) -> None:
        trace = self._trace
        if trace is not None:
            trace.extracting([(frame.state.camera.id, frame.message.seq) for frame in frames])
        results = extract(engine, [frame.frame for frame in frames], [frame.state.bank.context for frame in frames])
        if trace is not None:
            trace.extracted()
        for frame, result in zip(frames, results, strict=True):
            if isinstance(result, Exception):
                self._fail(frame, result)
            else:
                self._score_frame(frame, *result, batches[frame.state.camera.id][1])
            if trace is not None and frame.score is not None:
                trace.scored(frame.state.camera.id, frame.message.seq)

    def _learn(self, frames: Sequence[ScoredFrame]) -> None:
        """Remember frames of cameras without a bank. One that fails costs nothing but itself."""
        by_engine: dict[int, list[ScoredFrame]] = defaultdict(list)
        for frame in frames:
            by_engine[id(frame.state.bank.learner)].append(frame)
        for same in by_engine.values():
            engine = same[0].state.bank.learner
            if engine is not None and self._recorder is not None:
                for frame, result in zip(same, self._extract_to_learn(engine, same), strict=True):
                    if isinstance(result, Exception):
                        frame.state.failures.record(frame.message.seq, result)
                    else:
                        self._recorder.waiting.append(_judged(frame, engine, result[0]))

    def _extract_to_learn(self, engine: Engine, frames: Sequence[ScoredFrame]) -> Sequence[Extracted | Exception]:
        pictures = [frame.frame for frame in frames]
        try:
            return extract(engine, pictures, [frame.state.bank.context for frame in frames])
        except Exception as error:  # noqa: BLE001 (an engine that is broken ends the process where it has to score)
            return [error] * len(frames)

    def _score_frame(
        self, frame: ScoredFrame, features: Sequence[Features], detections: Detections | None, batch: CommitBatch
    ) -> None:
        """Score a frame into the batch, or drop it."""
        state, message, scorer = frame.state, frame.message, frame.state.bank.scorer
        if scorer is None:
            raise RuntimeError("an admitted frame has a scorer")
        try:
            score = scorer.score(
                features, frame.frame.at_s, frame.gate,
                discontinuity=frame.frame.discontinuity, wall_ms=frame.captured_ms,
            )  # fmt: skip
        except NonFiniteScoreError as error:
            which = about(state.camera.id, message.seq)
            log.error("%s: frame %d dropped: %s", state.camera.id, message.seq, error, extra=which)
            state.count_drop(DropReason.NON_FINITE)
            return
        except Exception as error:  # noqa: BLE001 (border: as in `extract`)
            self._fail(frame, error)
            return
        frame.bank, frame.features, frame.score = scorer.bank, features, score
        self._add_scored(frame, scorer, score, batch)
        state.boxes = _labelled_boxes(frame, detections)

    def _add_scored(self, frame: ScoredFrame, scorer: FrameScorer, score: FrameScore, batch: CommitBatch) -> None:
        """Add to the batch what follows from the score."""
        state, captured_ms, features = frame.state, frame.captured_ms, frame.features
        state.explain = frame.explained()
        if self._recorder is not None and state.bank.engine is not None and state.bank.context.mask.as_learnt:
            self._recorder.waiting.append(_judged(frame, state.bank.engine, features, scorer))
        if state.activity is not None:
            state.activity.add(captured_ms, features, frame.gate)
        previous_ms = state.last_score_ms
        entry = state.next_score_ms(frame.own_ns), self._message(frame, scorer, score)
        batch.scores.append(entry)
        if score.score >= FLOOR or score.events_began or frame.gate is not AlertGate.OPEN:
            batch.high_scores += state.high.keep(entry, frame.gate)
        else:
            state.high.low = entry
        finished = state.add_to_minute(captured_ms, score.score)
        batch.minutes += [(previous_ms, finished)] if finished is not None else []
        state.counters["scored"] += 1
        batch.alerts += [alert_update(frame, event) for event in score.changes]
        if state.bank.shadow is not None:
            batch.shadow_alerts += _shadow_alerts(frame, state.bank.shadow)
        silent = scorer.is_silent(score, as_learnt=state.bank.context.mask.as_learnt)
        alerts = state.conditions.observe_score(state.camera, frame.frame, silent, missed=frame.missed)
        batch.alerts += [AlertUpdate(alert, announce=True) for alert in alerts]

    def _fail(self, frame: ScoredFrame, error: Exception) -> None:
        frame.state.count_drop(DropReason.FAILED)
        frame.state.failures.record(frame.message.seq, error)

    def _message(self, frame: ScoredFrame, scorer: FrameScorer, score: FrameScore) -> Score:
        region = frame.region(score.box_xyxy_px)
        bank, readings = scorer.bank, zip(scorer.readings, score.rarities, strict=True)
        return Score(
            seq=frame.message.seq, captured_at_ns=frame.message.captured_at_ns,
            scored_at_ns=max(0, self._age.clock.now_ns()), raw=score.raw, score=score.score,
            streams=tuple([StreamReading(name, rarity) for name, rarity in readings]), driver=score.driver,
            region=region, random_weights=bank.random_weights, zones=frame.zones(region),
            gate=_SCORE_GATES[frame.gate], rejoined=score.rejoined, events_began=score.events_began, bank_id=bank.id,
        )  # fmt: skip


def _judged(
    frame: ScoredFrame, engine: Engine, features: Sequence[Features], scorer: FrameScorer | None = None
) -> JudgedFrame:
    """What the memory needs of a frame. Not where the zones are others than those the bank was learnt with: then some
    places count that have none in the bank, and their features are left out."""
    picture, score = frame.frame, frame.score
    wrong_since_s = frame.state.conditions.wrong_since_s(picture.at_s, frame.captured_ms, wrong=frame.wrong)
    verdict = Verdict(condition_since_s=wrong_since_s)
    if scorer is not None and score is not None:
        event = scorer.open_event if score.event_open else None
        since_s = None if event is None else event.started_s
        verdict = replace(
            verdict, score=score.score, level=scorer.rule.on, event_since_s=since_s,
            bare_score=score.score_without_additions,
        )  # fmt: skip
    return JudgedFrame(
        frame.state.camera, engine, frame.state.bank.context.mask.view, frame.captured_ms, picture.at_s,
        picture.discontinuity, picture.width, picture.height, frame.message.jpeg, features, verdict, scorer, score,
    )  # fmt: skip


def close_events(state: CameraState, events: Sequence[Event], batch: CommitBatch) -> None:
    """Record events that ended without a frame: the bank changed, or the camera's frames stopped."""
    batch.alerts += [AlertUpdate(*state.update_alert(event, None)) for event in events]


def alert_update(frame: ScoredFrame, event: Event) -> AlertUpdate:
    """Picture and explanation are those of the peak, or of the opening when the peak was just before it."""
    region = frame.region(event.box_xyxy_px)
    alert, announce = frame.state.update_alert(event, region, frame.zones(region))
    if event.ended_s is None and frame.frame.at_s in (event.peak_s, event.opened_s):
        explanation = frame.explained()(thumbnails=True, hidden=frame.state.camera.privacy)
        return AlertUpdate(alert, announce, frame.message.jpeg, explanation)
    return AlertUpdate(alert, announce)


def _shadow_alerts(frame: ScoredFrame, shadow: ShadowBank) -> list[Alert]:
    """What the bank in the shadow would have told subscribers with this frame."""
    scorer, changes = shadow.score(frame.features, frame.frame, frame.gate)
    if scorer is None:
        return []
    told = []
    for event in changes:
        region = frame.region(event.box_xyxy_px)
        told.append(shadow_alert(shadow, scorer, frame.state.camera, event, region, frame.zones(region)))
    return [alert for alert in told if alert is not None]


def _check_picture(state: CameraState, message: FrameMessage, frame: Frame, batch: CommitBatch) -> PictureCheck:
    """Record conditions of the picture as a whole; returns whether the frame's score may open an event."""
    check, alerts = state.conditions.observe_frame(state.camera, frame)
    for alert in alerts:
        picture = message.jpeg if alert.state is AlertState.OPEN else None
        batch.alerts.append(AlertUpdate(alert, announce=True, picture=picture))
    return check


def _labelled_boxes(frame: ScoredFrame, detections: Detections | None) -> list[list[object]]:
    if detections is None:
        return []
    rows = zip(detections.boxes_xyxy_px.tolist(), detections.labels, detections.confidences.tolist(), strict=True)
    regions = ((frame.region((x1, y1, x2, y2)), label, confidence) for (x1, y1, x2, y2), label, confidence in rows)
    return [
        [*region.corners, label, round(confidence, 3)] for region, label, confidence in regions if region is not None
    ]


def extract(engine: Engine, frames: Sequence[Frame], contexts: Sequence[CameraContext]) -> list[Extracted | Exception]:
    """For each frame its features and detections, or the exception that it raised; in that case the context of its
    camera is as if the frame had not come.

    When every frame fails and a test picture fails too, the frames are not the cause: the engine's own exception is
    raised, to end the process.
    """
    try:
        return list(_extract(engine, frames, contexts))
    except Exception as error:  # noqa: BLE001 (border: an engine meets footage that nobody foresaw)
        log.debug("a batch of %d frames failed (%r): its frames are tried one by one", len(frames), error)
    results = [_extract_alone(engine, frame, context) for frame, context in zip(frames, contexts, strict=True)]
    errors = [result for result in results if isinstance(result, Exception)]
    if errors and len(errors) == len(results) and not _passes_test(engine):
        log.critical("%s fails on every picture: the device, its driver or the weights are broken", engine.profile.name)
        raise errors[0]
    return results


def _extract_alone(engine: Engine, frame: Frame, context: CameraContext) -> Extracted | Exception:
    try:
        [result] = _extract(engine, [frame], [context])
    except Exception as error:  # noqa: BLE001 (as above)
        return error
    return result


def _extract(engine: Engine, frames: Sequence[Frame], contexts: Sequence[CameraContext]) -> list[Extracted]:
    memories = [(context, dict(context.memory)) for context in contexts]  # values are replaced, never changed in place
    try:
        batch = engine.batch(frames, contexts)
        features = engine.features(batch)
        detections = batch.detections if engine.has_detector else [None] * len(features)
        return list(zip(features, detections, strict=True))
    except BaseException:
        for context, memory in memories:
            context.memory.clear()
            context.memory.update(memory)
        raise


def _passes_test(engine: Engine) -> bool:
    grey = np.linspace(0, 255, _TEST_SIDE_PX, dtype=np.uint8)
    rgb = np.broadcast_to(grey[:, None, None], (_TEST_SIDE_PX, _TEST_SIDE_PX, 3)).copy()
    context = CameraContext()
    pictures = [Frame(rgb, 0.0, discontinuity=True), Frame(np.roll(rgb, 2, axis=1), 0.2)]
    return not any(isinstance(_extract_alone(engine, picture, context), Exception) for picture in pictures)
