"""Decodes video, and yields sampled, scaled pictures. Nothing else decodes."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.error
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from patchwatch.contract.errors import SourceRejectedError, SourceUnavailableError
from patchwatch.contract.redaction import redact
from patchwatch.messages.cameras.capture_status import Reason
from workers.media.container import Container, VideoOptions, open_container
from workers.media.ffmpeg_errors import conceals_missing_references, missing_references, translated
from workers.media.privacy_mask import PrivacyMask
from workers.media.tracks import video_track

log = logging.getLogger(__name__)

MIN_SIDE_PX = 32  # Of the source and of the scaled picture: smaller ones show nothing.
_KEY_FRAME_WITHIN_S = 10.0  # The longest wait after damage: some streams never send a key frame.
_LONGEST_S = 31 * 86_400.0  # A recording that claims to be longer has a wrong duration.
_CUT_OFF_S = 1.0  # A damaged file that ends so much before its duration is cut off.
_EARLY_SLOTS = 0.1  # A frame this early counts for the next slot: cameras jitter around their nominal rate.
_BACKWARD_JITTER_S = 0.5  # A smaller step back is a late or repeated picture, a larger one a new timeline.
_FILE_FORWARD_JUMP_S = 86_400.0  # No recording pauses for longer: its timestamps are damaged.
_LIVE_FORWARD_JUMP_S = 10.0  # No camera pauses for longer without a disconnect.
_PREDICTED = (PictureType.P, PictureType.B, PictureType.S, PictureType.SP)  # From other pictures.
_MAX_STEP_S = 2.0  # Pictures further apart are not compared with each other.


@dataclass(frozen=True, slots=True)
class SampledFrame:
    """A picture to analyse: ``rgb`` uint8 (h, w, 3), its longer side at most ``max_side_px``, never enlarged.

    What `VideoOptions.hidden` names is black in it. ``media_time_s``: seconds since the source's first picture.
    ``discontinuity``: not comparable with earlier pictures. ``predicted``: no picture since the sampled one before was
    coded on its own (intra), as with a key frame. So what has not changed may be what the encoder left out.
    ``preceding``: the picture of the slot before, where the `Sampler` leaves slots out.
    """

    rgb: NDArray[np.uint8]
    media_time_s: float
    source_width: int
    source_height: int
    discontinuity: bool
    predicted: bool
    preceding: SampledFrame | None = None


class Video:
    """An open source. Not thread-safe; one decoding thread; close it (or use ``with``).

    ``codec`` is a name; ``width`` and ``height`` are the source's own (0 until known); ``duration_s`` is None when
    unknown or live; ``sampler`` selects the pictures to analyse; ``packets``, ``decoded`` and ``decode_errors`` count
    what arrived, what was decoded and what could not be. ``broken_off`` is empty unless a damaged file ended early,
    and then the message about it.
    """

    def __init__(self, container: Container, name: str, options: VideoOptions) -> None:
        self._container = container
        self._name = name
        self._options = options
        self._stream = video_track(container.input, name)
        self._context = self._stream.codec_context
        self._context.thread_count = 1
        self._context.options = {"max_pixels": str(options.max_picture_px)}
        self.codec: str = self._context.name
        self.width: int = self._context.width
        self.height: int = self._context.height
        self.duration_s: float | None = None
        stated = container.input.duration
        if not options.live and stated and 0 < stated / av.time_base <= _LONGEST_S:
            self.duration_s = stated / av.time_base
        self.sampler = Sampler(options.analysis_fps)
        self.packets = 0
        self.decoded = 0
        self.decode_errors = 0
        self.broken_off = ""
        self._privacy_mask = PrivacyMask(options.hidden)
        self._skips_until_s: float | None = None
        self._damaged_pts: int | None = None
        self._was_corrupt = False
        self._conceals = conceals_missing_references(self.codec)
        if self.width and self.height:
            self._check_size(self.width, self.height)

    @classmethod
    def open(cls, source: str | Path, *, options: VideoOptions | None = None) -> Self:
        """Open a file (`Path`) or a URL that FFmpeg supports.

        Raises `SourceUnavailableError` (worth retrying) or `SourceRejectedError` (wrong until changed), each with a
        ``reason`` of `messages.capture_status.Reason` and without credentials.
        """
        options = options or VideoOptions()
        name = redact(str(source))
        container = open_container(source, options)
        try:
            return cls(container, name, options)
        except BaseException:
            container.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the decoder and the connection; the garbage collector would leak them."""
        self._container.close()

    def frames(self, on_packet: Callable[[], None] = lambda: None) -> Iterator[SampledFrame]:
        """Sampled pictures until the source ends; for a live source the end is a disconnect.

        ``on_packet`` is called for each packet that arrives, sampled or not. Damaged data is skipped and counted in
        ``decode_errors``. Raises as `open` does when the connection fails or the picture's size is out of bounds.
        """
        clock = MediaClock(self._interval_s(), self._options.live)
        broken, predicted = False, True
        last_s, preceding = 0.0, None
        for picture in self._pictures(on_packet):
            tick = clock.read(_pts_s(picture))
            if tick is None:
                continue
            last_s = tick.media_time_s
            broken |= tick.discontinuity | self._resized(picture)
            predicted &= picture.pict_type in _PREDICTED
            if not self._undamaged(picture, tick.media_time_s):
                continue
            wanted = self.sampler.wants(tick.media_time_s)
            if wanted is Wanted.NOT:
                continue
            sampled = self._sampled(picture, tick.media_time_s, broken, predicted)
            if wanted is Wanted.AS_PRECEDING:
                preceding = sampled
                continue
            yield sampled if broken or preceding is None else replace(sampled, preceding=preceding)
            broken, predicted, preceding = False, True, None
        if self.decoded == 0 and not self._options.live:
            raise SourceRejectedError(
                f"{self._name} holds no picture that can be decoded ({self.codec}): check it with `ffprobe`",
                Reason.CORRUPT,
            )
        self._note_end(last_s)

    def _note_end(self, last_s: float) -> None:
        # Damage alone is not an early end, and a video track may be shorter than the file's audio.
        if self.duration_s and self.decode_errors and last_s < self.duration_s - _CUT_OFF_S:
            self.broken_off = (
                f"{self._name} breaks off after {last_s:.0f} of {self.duration_s:.0f} s: "
                "what came before was used; copy or record it again for the rest"
            )
            log.warning("%s", self.broken_off)

    def _pictures(self, on_packet: Callable[[], None]) -> Iterator[av.VideoFrame]:
        try:
            yield from self._demuxed(on_packet)
        except SourceUnavailableError as error:
            raise (error if self.decoded else self._container.explained(error)) from None

    def _demuxed(self, on_packet: Callable[[], None]) -> Iterator[av.VideoFrame]:
        with translated(self._name, self._options.kind):
            packets = self._container.input.demux(self._stream)
            while True:
                try:
                    packet = next(packets, None)
                except av.error.InvalidDataError:  # The file breaks off, or the demuxer cannot go on.
                    self.decode_errors += 1
                    return
                if packet is None:
                    return
                self.packets += 1
                on_packet()
                yield from self._decoded(packet)

    def _decoded(self, packet: av.Packet[av.VideoStream]) -> list[av.VideoFrame]:
        missing: list[str] = []
        try:
            if self._conceals:
                with missing_references(self.codec) as missing:
                    decoded = packet.decode()
            else:
                decoded = packet.decode()
            pictures = [picture for picture in decoded if isinstance(picture, av.VideoFrame)]
        except (av.error.InvalidDataError, av.error.PatchWelcomeError):
            self._count_damage(packet.pts)
            return []
        # FFmpeg marks a gap on one packet although it may be in the next: its parser is one packet late.
        if missing or packet.is_corrupt or self._was_corrupt:
            self._count_damage(packet.pts)
        self._was_corrupt = packet.is_corrupt
        self.decoded += len(pictures)
        return pictures

    def _count_damage(self, pts: int | None) -> None:
        self.decode_errors += 1
        self._damaged_pts = pts
        self._skips_until_s = float("inf")  # The next picture sets the time.

    def _undamaged(self, picture: av.VideoFrame, media_time_s: float) -> bool:
        """After damage, pictures are smeared until the next key frame and would look like anomalies."""
        if picture.is_corrupt:
            self._count_damage(picture.pts)
            return False
        if self._skips_until_s is None:
            return True
        self._skips_until_s = min(self._skips_until_s, media_time_s + _KEY_FRAME_WITHIN_S)
        if (picture.key_frame and not self._precedes_damage(picture)) or media_time_s >= self._skips_until_s:
            self._skips_until_s = None
            return True
        return False

    def _precedes_damage(self, picture: av.VideoFrame) -> bool:
        """Whether it is the damaged picture itself, or an earlier one that the decoder reordered and returned later."""
        return picture.pts is not None and self._damaged_pts is not None and picture.pts <= self._damaged_pts

    def _resized(self, picture: av.VideoFrame) -> bool:
        if (picture.width, picture.height) == (self.width, self.height):
            return False
        self._check_size(picture.width, picture.height)
        self.width, self.height = picture.width, picture.height
        return True

    def _check_size(self, width: int, height: int) -> None:
        limit = self._options.max_picture_px
        if width * height > limit:
            raise SourceRejectedError(
                f"{self._name}: pictures of {width}x{height} are larger than the {limit} pixels allowed: "
                "lower the camera's resolution or raise PATCHWATCH_MAX_PICTURE_PX",
                Reason.PICTURE_SIZE,
            )
        if min(_scaled(width, height, self._options.max_side_px)) < MIN_SIDE_PX:
            raise SourceRejectedError(
                f"{self._name}: pictures of {width}x{height} are too small to analyse: "
                f"each side needs {MIN_SIDE_PX} pixels once the longer is at most {self._options.max_side_px}",
                Reason.PICTURE_SIZE,
            )

    def _sampled(
        self, picture: av.VideoFrame, media_time_s: float, discontinuity: bool, predicted: bool
    ) -> SampledFrame:
        width, height = _scaled(picture.width, picture.height, self._options.max_side_px)
        small = picture.reformat(width=width, height=height, format="rgb24", interpolation="AREA", threads=1)
        rgb: NDArray[np.uint8] = np.ascontiguousarray(small.to_ndarray(), np.uint8)
        if picture.rotation % 360:
            rgb = np.ascontiguousarray(np.rot90(rgb, picture.rotation // 90 % 4))
        if self._options.hidden:
            self._privacy_mask.hide(rgb)
        source = (picture.width, picture.height) if picture.rotation % 180 == 0 else (picture.height, picture.width)
        return SampledFrame(rgb, media_time_s, *source, discontinuity, predicted)

    def _interval_s(self) -> float:
        rate = self._stream.average_rate or self._stream.guessed_rate
        return 1 / float(rate) if rate and 0.1 <= rate <= 240 else 1 / 25


def _pts_s(picture: av.VideoFrame) -> float | None:
    if picture.pts is None or picture.time_base is None:
        return None
    return float(picture.pts * picture.time_base)


def _scaled(width: int, height: int, max_side_px: int) -> tuple[int, int]:
    factor = min(1.0, max_side_px / max(width, height))
    return max(1, round(width * factor)), max(1, round(height * factor))


@dataclass(frozen=True, slots=True)
class MediaTick:
    """A decoded picture's time in its source: seconds since the first one, and whether continuity broke before it."""

    media_time_s: float
    discontinuity: bool


class MediaClock:
    """Converts PTS to strictly increasing seconds since the first picture.

    A missing PTS advances by the nominal interval. A step back, or a jump forward further than a source of its kind can
    pause, starts a new timeline one interval after the last picture and is a discontinuity; a shorter pause is kept.
    """

    def __init__(self, interval_s: float, live: bool) -> None:
        self._interval_s = interval_s
        self._longest_pause_s = _LIVE_FORWARD_JUMP_S if live else _FILE_FORWARD_JUMP_S
        self._origin_s: float | None = None  # The PTS that corresponds to media time 0.
        self._last_s: float | None = None

    def read(self, pts_s: float | None) -> MediaTick | None:
        """None for a picture that repeats an earlier time and must be skipped."""
        if self._last_s is None:
            self._last_s, self._origin_s = 0.0, pts_s
            return MediaTick(0.0, discontinuity=True)
        following_s = self._last_s + self._interval_s
        if pts_s is None:
            return self._advance(following_s, discontinuity=False)
        if self._origin_s is None:
            self._origin_s = pts_s - following_s
        time_s = pts_s - self._origin_s
        step_s = time_s - self._last_s
        if step_s < -_BACKWARD_JITTER_S or step_s > self._longest_pause_s:
            self._origin_s = pts_s - following_s
            return self._advance(following_s, discontinuity=True)
        if step_s <= 0:
            return None
        return self._advance(time_s, discontinuity=step_s > max(_MAX_STEP_S, 5 * self._interval_s))

    def _advance(self, time_s: float, discontinuity: bool) -> MediaTick:
        self._last_s = time_s
        return MediaTick(time_s, discontinuity)


class Wanted(Enum):
    """What a picture is wanted for."""

    NOT = 0
    TO_ANALYSE = 1
    AS_PRECEDING = 2  # of the next one that is analysed, which is to be compared with it


class Sampler:
    """Selects the first picture of each slot of 1/fps seconds: the same timestamps always give the same choice.

    ``one_in`` may be changed at any time: of so many slots in a row only one is analysed, and the picture of the last
    slot before the next is wanted as preceding that.
    """

    def __init__(self, fps: float) -> None:
        self.one_in = 1
        self._fps = fps
        self._last_slot: int | None = None  # that a picture was wanted of
        self._analysed_slot: int | None = None

    def wants(self, media_time_s: float) -> Wanted:
        """Media times rise."""
        slot = math.floor(media_time_s * self._fps + _EARLY_SLOTS)
        if self._last_slot is not None and slot <= self._last_slot:
            return Wanted.NOT
        if self._analysed_slot is None or slot // self.one_in > self._analysed_slot // self.one_in:
            self._last_slot = self._analysed_slot = slot
            return Wanted.TO_ANALYSE
        if slot % self.one_in < self.one_in - 1:
            return Wanted.NOT
        self._last_slot = slot
        return Wanted.AS_PRECEDING
