"""The books balance at every moment, whatever is killed, refused, unanswered or flushed.

The machine drives the real publisher, session and committer of one camera over a real server, and knows from
looking at Redis itself what became of every frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, cast

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from patchwatch.bus import accounting
from patchwatch.bus.accounting import Account
from patchwatch.bus.keys import CameraKeys, LeaseKeys
from patchwatch.contract.errors import LeaseLapsedError, LeaseLostError
from patchwatch.contract.settings import Settings
from patchwatch.local_redis.private_server import private_redis
from patchwatch.messages.cameras.analysis_status import DropReason
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureStatus
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.inference.camera_state import CameraState
from workers.inference.commit import CommitBatch, Committer, resume
from workers.inference.queue_reader import QueuedFrame, QueueReader, queued_frame
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.ingest.capture.protocol import CaptureReport, ReportKind
from workers.ingest.capture.publisher import Publisher, Stopped
from workers.runtime.leases import Lease

CAMERA = Camera(id="cam")
KEYS = CameraKeys.for_camera("cam", 1)
QUEUE_FRAMES = 4
CAPTURE = Lease(LeaseKeys.for_capture("cam", 1), b"me:1")
SCORING = Lease(LeaseKeys.for_partition(0), b"me:1")


class Server:
    """One for all runs of the machine, which start with a flush. Brought up when the first one runs."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._url = ""

    @property
    def url(self) -> str:
        self._url = self._url or self._stack.enter_context(private_redis())
        return self._url

    def close(self) -> None:
        self._stack.close()


SERVER = Server()


@pytest.fixture(scope="module", autouse=True)
def _server_ends() -> Iterator[None]:
    yield
    SERVER.close()


class Flaky(redis.Redis):
    """``fate``: whether Redis answers, is away, is full, or does as told while its answer gets lost."""

    fate = "well"

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        do: Callable[..., Any] = super().execute_command
        return self._by_fate(lambda: do(*arguments, **options), writes=False)

    def pipeline(self, *arguments: Any, **options: Any) -> Any:
        pipe: Any = super().pipeline(*arguments, **options)
        execute, at_once = pipe.execute, pipe.immediate_execute_command

        def execute_by_fate(raise_on_error: bool = True) -> Any:
            return self._by_fate(lambda: execute(raise_on_error), writes=True)

        def at_once_by_fate(*arguments: Any, **options: Any) -> Any:
            return self._by_fate(lambda: at_once(*arguments, **options), writes=False)

        pipe.execute, pipe.immediate_execute_command = execute_by_fate, at_once_by_fate
        return pipe

    def _by_fate(self, do: Callable[[], Any], *, writes: bool) -> Any:
        if self.fate == "away":
            raise redis.ConnectionError("away")
        if self.fate == "full" and writes:
            raise redis.exceptions.OutOfMemoryError("full")
        answer = do()
        if self.fate == "unsure" and writes:
            raise redis.TimeoutError("no answer")
        return answer


def read(client: Any) -> Account:
    with client.pipeline(transaction=True) as pipe:
        accounting.queue_reads(pipe, KEYS)
        pipe.get(KEYS.capture)
        *answers, capture = pipe.execute(raise_on_error=False)
    return accounting.account_from_answers(CaptureStatus.decode(capture) if capture else None, answers)


class OneCamera:
    """A capture, its supervisor and an inference worker, each of which can be killed."""

    def __init__(self, *, lossless: bool) -> None:
        self.client: Any = redis.Redis.from_url(SERVER.url)
        self.client.flushall()
        self.flaky = cast("Flaky", Flaky.from_url(SERVER.url))  # redis-py declares the base class
        self.lossless = lossless
        self.committer = Committer(self.client, Settings())
        self.tracker = CaptureStatusTracker(CAMERA, 5.0, None, lambda: None)
        self.publisher: Publisher | None = None
        self.state: CameraState | None = None
        self.hand: list[QueuedFrame] = []
        self.waited_s = 0.0

    # ingest -----------------------------------------------------------------------------------------------------

    def start_capture(self) -> None:
        self.client.set(CAPTURE.unit.lease, CAPTURE.value)
        self.publisher = Publisher(
            self.flaky, KEYS, CAPTURE, queue_frames=QUEUE_FRAMES, lossless=self.lossless, pause=self.wait_briefly
        )
        self.publisher.start(self.tracker.captured)
        self.tracker.start_process()

    def wait_briefly(self, seconds: float) -> bool:
        self.waited_s += seconds
        return self.waited_s < 2.0

    def capture_frame(self) -> int | None:
        """Its number; None when the capture had to stop, because a lossless frame would have waited."""
        publisher = self.publisher
        assert publisher is not None
        publisher._retry_at_s = 0.0  # half a second later
        self.waited_s = 0.0
        seq = publisher.next_seq()
        try:
            publisher.publish(FrameMessage(seq, seq * 10**8, seq, 64, 48, 64, 48, FrameFlag.LIVE, b"jpeg"))
        except Stopped:
            self.report()
            self.publisher = None
            return None
        return seq

    def report(self) -> None:
        if self.publisher:
            counts = {"seq": self.publisher.seq, "unpublished": self.publisher.unpublished}
            self.tracker.update(CaptureReport(kind=ReportKind.PROGRESS, **counts))
        self.client.set(KEYS.capture, self.tracker.current().encode())

    # inference --------------------------------------------------------------------------------------------------

    def resume(self) -> CameraState:
        self.client.set(SCORING.unit.lease, SCORING.value)
        state, counters = self.client.hgetall(KEYS.state), self.client.hgetall(KEYS.counters)
        return resume(CAMERA, KEYS, SCORING.value, state, counters)

    def renew(self) -> None:
        """A flush takes the partition's lease too: its worker sees that when it renews, and reads all again."""
        if self.client.get(SCORING.unit.lease) != SCORING.value:
            self.state, self.hand = None, []

    def take(self) -> None:
        self.state = self.state or self.resume()
        reader = QueueReader(self.client, 3, 0.0, 5.0)
        entries = reader._read_entries({KEYS.frames: self.state.position}, 3).get(KEYS.frames, [])
        self.hand = [queued_frame(self.state, entry) for entry in entries]

    def decide(self, scored: bool) -> int:
        """Score or drop what is in hand, and commit; returns how many were scored."""
        assert self.state is not None
        count = 0
        for entry in self.hand:
            if self.state.advance(entry.seq, entry.gaps):
                assert entry.message is not None
                self.state.keep_frame(entry.seq, entry.message.captured_at_ns)
                if scored:
                    self.state.counters["scored"] += 1
                    count += 1
                else:
                    self.state.count_drop(DropReason.TOO_OLD)
        self.hand = []
        try:
            self.committer.commit(self.state, CommitBatch())
        except (LeaseLostError, LeaseLapsedError):
            self.state = None
            return 0
        return count

    def close(self) -> None:
        self.client.close()
        self.flaky.close()


class Books(RuleBasedStateMachine):
    @initialize(lossless=st.booleans())
    def begin(self, lossless: bool) -> None:
        self.camera = OneCamera(lossless=lossless)
        self.scored = 0
        self.never_there = self.arrived = 0  # since the last flush
        self.flushed = False

    @precondition(lambda self: self.camera.publisher is None and self.camera.flaky.fate != "away")
    @rule()
    def capture_starts(self) -> None:
        self.camera.start_capture()

    @precondition(lambda self: self.camera.publisher is not None)
    @rule(count=st.integers(1, 7))
    def frames(self, count: int) -> None:
        for _ in range(count):
            if self.camera.publisher is None:
                return
            seq = self.camera.publisher.seq + 1
            self.camera.capture_frame()
            result = self.camera.client.xrange(KEYS.frames, f"{seq}-0", f"{seq}-0")
            self.arrived += bool(result)
            self.never_there += not result

    @rule(fate=st.sampled_from(["well", "away", "full", "unsure"]))
    def redis_is(self, fate: str) -> None:
        self.camera.flaky.fate = fate

    @rule()
    def supervisor_has_the_lease_again(self) -> None:
        self.camera.client.set(CAPTURE.unit.lease, CAPTURE.value)

    @rule()
    def supervisor_reports(self) -> None:
        self.camera.report()

    @precondition(lambda self: self.camera.publisher is not None)
    @rule(heard=st.booleans())
    def capture_is_killed(self, heard: bool) -> None:
        """Unheard frames that Redis never got are known to nobody: their numbers are given again."""
        if heard:
            self.camera.report()
        publisher = self.camera.publisher
        assert publisher is not None
        self.flushed |= not self.arrived  # to its successor a queue that never was looks like one that is gone
        if not heard:
            head = self.camera.client.xinfo_stream(KEYS.frames) if self.camera.client.exists(KEYS.frames) else None
            newest = int(head["last-generated-id"].split(b"-")[0]) if head else 0
            committed = int(self.camera.client.hget(KEYS.state, "seq") or 0)
            self.never_there -= max(0, publisher.seq - max(newest, committed, self.camera.tracker.captured))
        self.camera.publisher = None

    @rule()
    def inference_takes(self) -> None:
        self.camera.take()

    @precondition(lambda self: self.camera.state is not None)
    @rule(scored=st.booleans())
    def inference_commits(self, scored: bool) -> None:
        self.scored += self.camera.decide(scored)

    @rule()
    def inference_renews(self) -> None:
        self.camera.renew()

    @rule()
    def inference_is_killed(self) -> None:
        self.camera.state = None
        self.camera.hand = []

    @rule()
    def everything_is_flushed(self) -> None:
        self.camera.client.flushall()
        self.scored = 0
        self.flushed = True

    @invariant()
    def the_books_balance(self) -> None:
        client, account = self.camera.client, read(self.camera.client)
        assert account.unaccounted == 0, account
        assert account.scored == self.scored
        committed = int(client.hget(KEYS.state, "seq") or 0)
        waiting = client.xrange(KEYS.frames, min=f"({committed}-0" if committed else "-")
        assert account.queued == len(waiting)
        assert min(account.captured, account.lost, account.in_flight, *account.dropped.values(), 0) == 0

    def teardown(self) -> None:
        """Once all is well again and nothing is left to do, each frame is told by what became of it."""
        self.camera.flaky.fate = "well"
        self.camera.client.set(CAPTURE.unit.lease, CAPTURE.value)
        while self.camera.publisher is None or not self._one_more():
            self.camera.start_capture()
            self._drain()
        self._drain()
        self.camera.report()
        account = read(self.camera.client)
        assert (account.unaccounted, account.queued, account.in_flight) == (0, 0, 0)
        assert account.captured + account.lost == self.camera.publisher.seq
        if not self.flushed:
            assert account.captured + account.lost == self.arrived + self.never_there
            # Where Redis never had a frame of the camera, a capture that starts again cannot tell the two apart.
            assert account.dropped.get("unpublished", 0) + account.lost == self.never_there
            assert not (self.camera.lossless and account.dropped.get("queue_full")), "a lossless queue lost a frame"
        self.camera.close()

    def _one_more(self) -> bool:
        seq = self.camera.capture_frame()
        self.arrived += seq is not None
        self.never_there += seq is None
        return seq is not None

    def _drain(self) -> None:
        self.camera.renew()
        self.camera.take()
        while self.camera.hand:
            self.scored += self.camera.decide(True)
            self.camera.take()


TestBooks = pytest.mark.filterwarnings("ignore::ResourceWarning")(Books.TestCase)
TestBooks.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
