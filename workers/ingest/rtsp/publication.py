"""What one ANNOUNCE describes: its tracks, and how the packets of each are delivered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import Reason
from workers.ingest.rtsp import sdp
from workers.ingest.rtsp.connection import Connection
from workers.ingest.rtsp.local_playback import Playback
from workers.ingest.rtsp.refusal import Refusal
from workers.ingest.rtsp.transport import Transport, parse_transports
from workers.ingest.rtsp.udp_ports import UdpPortPair
from workers.rtsp.message import Packet, Request, path_of


@dataclass
class _Delivery:
    """How a track's packets arrive: on two interleaved channels, or on two of our ports."""

    channels: tuple[int, int] | None = None
    ports: UdpPortPair | None = None


@dataclass
class Publication:
    """Video packets go on to ``playback``, once it exists; all others are received and discarded."""

    camera: Camera
    tracks: list[sdp.Track]
    connection: Connection
    playback: Playback | None = None
    _deliveries: dict[int, _Delivery] = field(default_factory=dict)  # By track.
    _routes: dict[int, tuple[int, bool]] = field(default_factory=dict)  # By channel: index in `video`, and RTCP or not.
    _video_index: dict[int, int] = field(default_factory=dict)  # By track: its index in `video`.

    @classmethod
    def from_announce(cls, camera: Camera, body: bytes, connection: Connection) -> Publication:
        """Raises `Refusal` without a video track that can be read, `InvalidMessageError` without any track."""
        tracks = sdp.parse_tracks(body)
        problems = [track.problem for track in tracks if track.is_video]
        if not problems:
            kinds = ", ".join(sorted({track.media for track in tracks} & {"audio", "application", "text"}))
            why = f"no video track, only {kinds or 'others'} - publish one with pictures"
            raise Refusal(415, why, reason=Reason.NO_VIDEO, camera_id=camera.id)
        if all(problems):
            raise Refusal(415, problems[0], reason=Reason.CODEC, camera_id=camera.id)
        return cls(camera, tracks, connection)

    @property
    def video(self) -> list[sdp.Track]:
        """The video tracks that were set up."""
        return [self.tracks[number] for number in sorted(self._deliveries) if self._is_readable(number)]

    @property
    def over_udp(self) -> bool:
        """Whether any track arrives over UDP."""
        return any(delivery.ports is not None for delivery in self._deliveries.values())

    async def set_up(self, request: Request) -> str:
        """Handle a track's SETUP; returns the Transport header of the response. Raises `Refusal`."""
        number = self._track_of(request)
        for transport in parse_transports(request.headers.get("Transport") or ""):
            if transport.tcp:
                return self._over_channels(number, transport)
            if self.connection.is_local:
                return await self._over_ports(number, transport)
        # From another host, UDP would arrive beside this connection and bypass whatever proxy stands in front of it.
        raise self._no_transport("Unsupported Transport - publish over TCP")

    def start(self, playback: Playback) -> None:
        """From now on video packets go to ``playback``."""
        readable = filter(self._is_readable, sorted(self._deliveries))
        self._video_index = {number: index for index, number in enumerate(readable)}
        for number, delivery in self._deliveries.items():
            if delivery.channels and number in self._video_index:
                index = self._video_index[number]
                self._routes |= {delivery.channels[rtcp]: (index, bool(rtcp)) for rtcp in (0, 1)}
        self.playback = playback

    def receive(self, packet: Packet) -> None:
        """A packet that arrived on an interleaved channel."""
        route = self._routes.get(packet.channel)
        if route is not None and self.playback is not None:
            self.playback.queue(*route, packet.payload)

    def send_report(self, index: int, payload: bytes) -> None:
        """Send the capture process's RTCP to the publisher of the track at ``index`` in `video`."""
        number = next(number for number, position in self._video_index.items() if position == index)
        delivery = self._deliveries[number]
        if delivery.ports is not None:
            delivery.ports.send_report(payload)
        elif delivery.channels is not None:
            self.connection.send_now(Packet(delivery.channels[1], payload).encode(), most_waiting=4096)

    def close(self) -> None:
        for delivery in self._deliveries.values():
            if delivery.ports is not None:
                delivery.ports.close()

    def _no_transport(self, why: str) -> Refusal:
        return Refusal(461, why, closes=False, reason=Reason.REFUSED, camera_id=self.camera.id)

    def _is_readable(self, number: int) -> bool:
        return self.tracks[number].is_video and not self.tracks[number].problem

    def _track_of(self, request: Request) -> int:
        """The track that a SETUP names, else the next one: publishers differ in how they join a control with the
        URI."""
        uri, path = request.uri.rstrip("/"), path_of(request.uri).rstrip("/")
        for number, track in enumerate(self.tracks):
            control = track.control.strip("/")
            if control and (uri == control or uri.endswith("/" + control) or path.endswith("/" + control)):
                return number
        for number in range(len(self.tracks)):
            if number not in self._deliveries:
                return number
        raise Refusal(404, "No such track - name one of the description's a=control", closes=False)

    def _over_channels(self, number: int, transport: Transport) -> str:
        taken = [delivery.channels for track, delivery in self._deliveries.items() if track != number]
        used = {channel for channels in taken if channels for channel in channels}
        pair = transport.pair
        if pair is None or used & set(pair):
            pair = next(((even, even + 1) for even in range(0, 255, 2) if not used & {even, even + 1}), (0, 1))
        self._replace(number, _Delivery(channels=pair))
        return transport.over_channels(pair)

    async def _over_ports(self, number: int, transport: Transport) -> str:
        assert transport.pair is not None
        ports = UdpPortPair(self.connection.own_host, self.connection.host, transport.pair)
        try:
            await ports.open(self._udp_receiver(number))
        except OSError:
            raise self._no_transport("No UDP ports are free - publish over TCP") from None
        self._replace(number, _Delivery(ports=ports))
        return transport.over_ports(ports.ports)

    def _udp_receiver(self, number: int) -> Callable[[bool, bytes], None]:
        def receive(rtcp: bool, payload: bytes) -> None:
            if self.playback is not None and number in self._video_index:
                self.playback.send_now(self._video_index[number], rtcp, payload)

        return receive

    def _replace(self, number: int, delivery: _Delivery) -> None:
        before = self._deliveries.get(number)
        if before is not None and before.ports is not None:
            before.ports.close()
        self._deliveries[number] = delivery
