"""What one ANNOUNCE told of: its tracks, and how the packets of each come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from patchwatch.messages.camera import Camera
from patchwatch.messages.capture_status import Reason
from workers.ingest.rtsp import sdp
from workers.ingest.rtsp.connection import Connection
from workers.ingest.rtsp.local_playback import Playback
from workers.ingest.rtsp.message import Packet, Request, path_of
from workers.ingest.rtsp.refusal import Refusal
from workers.ingest.rtsp.transport import Transport, offered
from workers.ingest.rtsp.udp_ports import UdpPortPair


@dataclass
class _Way:
    """How a track comes: over two interleaved channels, or two ports of ours."""

    channels: tuple[int, int] | None = None
    ports: UdpPortPair | None = None


@dataclass
class Publication:
    """Pictures go on to ``playback``, once it is there; everything else is taken and thrown away."""

    camera: Camera
    tracks: list[sdp.Track]
    connection: Connection
    playback: Playback | None = None
    _ways: dict[int, _Way] = field(default_factory=dict)  # by track
    _routes: dict[int, tuple[int, bool]] = field(default_factory=dict)  # by channel: number among `video`, RTCP
    _numbers: dict[int, int] = field(default_factory=dict)  # of a track among `video`

    @classmethod
    def of(cls, camera: Camera, body: bytes, connection: Connection) -> Publication:
        """Raises `Refusal` without a video track that can be read, `InvalidMessageError` without any track."""
        tracks = sdp.tracks(body)
        troubles = [track.trouble for track in tracks if track.is_video]
        if not troubles:
            kinds = ", ".join(sorted({track.media for track in tracks} & {"audio", "application", "text"}))
            why = f"no video track, only {kinds or 'others'} - publish one with pictures"
            raise Refusal(415, why, reason=Reason.NO_VIDEO, camera_id=camera.id)
        if all(troubles):
            raise Refusal(415, troubles[0], reason=Reason.CODEC, camera_id=camera.id)
        return cls(camera, tracks, connection)

    @property
    def video(self) -> list[sdp.Track]:
        """The tracks with pictures that were set up."""
        return [self.tracks[number] for number in sorted(self._ways) if self._is_picture(number)]

    @property
    def over_udp(self) -> bool:
        """Whether a track comes so."""
        return any(way.ports is not None for way in self._ways.values())

    async def set_up(self, request: Request) -> str:
        """Take a track's SETUP; returns the Transport header of the answer. Raises `Refusal`."""
        number = self._track_of(request)
        for way in offered(request.headers.get("transport", "")):
            if way.tcp:
                return self._over_channels(number, way)
            if self.connection.is_local:
                return await self._over_ports(number, way)
        # Media over UDP would come to our host beside this connection, past whatever stands in front of it.
        raise self._no_transport("Unsupported Transport - publish over TCP")

    def start(self, playback: Playback) -> None:
        """From now on pictures go there."""
        self._numbers = {number: place for place, number in enumerate(filter(self._is_picture, sorted(self._ways)))}
        for number, way in self._ways.items():
            if way.channels and number in self._numbers:
                self._routes |= {way.channels[rtcp]: (self._numbers[number], bool(rtcp)) for rtcp in (0, 1)}
        self.playback = playback

    def take(self, packet: Packet) -> None:
        """A packet that came over an interleaved channel."""
        route = self._routes.get(packet.channel)
        if route is not None and self.playback is not None:
            self.playback.put(*route, packet.payload)

    def report(self, place: int, payload: bytes) -> None:
        """RTCP of the capture process, for the publisher of the track at ``place`` among `video`."""
        number = next(number for number, found in self._numbers.items() if found == place)
        way = self._ways[number]
        if way.ports is not None:
            way.ports.send_report(payload)
        elif way.channels is not None:
            self.connection.send_now(Packet(way.channels[1], payload).framed(), most_waiting=4096)

    def close(self) -> None:
        for way in self._ways.values():
            if way.ports is not None:
                way.ports.close()

    def _no_transport(self, why: str) -> Refusal:
        return Refusal(461, why, closes=False, reason=Reason.REFUSED, camera_id=self.camera.id)

    def _is_picture(self, number: int) -> bool:
        return self.tracks[number].is_video and not self.tracks[number].trouble

    def _track_of(self, request: Request) -> int:
        """The track that a SETUP names, else the next: how controls are joined with the URI differs between peers."""
        uri, path = request.uri.rstrip("/"), path_of(request.uri).rstrip("/")
        for number, track in enumerate(self.tracks):
            control = track.control.strip("/")
            if control and (uri == control or uri.endswith("/" + control) or path.endswith("/" + control)):
                return number
        for number in range(len(self.tracks)):
            if number not in self._ways:
                return number
        raise Refusal(404, "No such track - name one of the description's a=control", closes=False)

    def _over_channels(self, number: int, way: Transport) -> str:
        used = {one for track, way in self._ways.items() if track != number and way.channels for one in way.channels}
        pair = way.pair
        if pair is None or used & set(pair):
            pair = next(((one, one + 1) for one in range(0, 255, 2) if not used & {one, one + 1}), (0, 1))
        self._replace(number, _Way(channels=pair))
        return way.over_channels(pair)

    async def _over_ports(self, number: int, way: Transport) -> str:
        assert way.pair is not None
        ports = UdpPortPair(self.connection.own_host, self.connection.host, way.pair)
        try:
            await ports.open(self._taker(number))
        except OSError:
            raise self._no_transport("No UDP ports are free - publish over TCP") from None
        self._replace(number, _Way(ports=ports))
        return way.over_ports(ports.ports)

    def _taker(self, number: int) -> Callable[[bool, bytes], None]:
        def take(rtcp: bool, payload: bytes) -> None:
            if self.playback is not None and number in self._numbers:
                self.playback.put_now(self._numbers[number], rtcp, payload)

        return take

    def _replace(self, number: int, way: _Way) -> None:
        before = self._ways.get(number)
        if before is not None and before.ports is not None:
            before.ports.close()
        self._ways[number] = way
