"""Many RTSP cameras in one process, on Debian's gst-rtsp-server, showing encoded footage that is switched by command.

Run by `parts.gst_python`: ``camera_site.py --port PORT --units FOLDER --fps N NAME...``. Prints ``ready`` when it
listens. Commands are lines on standard input: ``NAME show VARIANT``, ``NAME loss PART`` (of the RTP packets that are
thrown away), ``NAME damage PART`` (of the access units that are spoilt), ``NAME leave`` and ``NAME return`` (404 in
between). Each is answered by ``done``.
"""

import argparse
import os
import random
import struct
import sys
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

LAUNCH = (
    "( appsrc name=units is-live=true format=time "
    "caps=video/x-h264,stream-format=byte-stream,alignment=au,framerate={fps}/1 "
    "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


def units(path: Path) -> list[bytes]:
    data, result, at = path.read_bytes(), [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        result.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return result


class Camera:
    """One mount. What it shows changes at the next key frame only."""

    def __init__(self, name: str, variants: dict[str, list[bytes]], fps: int) -> None:
        self.name = name
        self.variants = variants
        self.fps = fps
        self.shown = self.wanted = "normal"
        self.loss = self.damage = 0.0
        self.source: Any = None  # an appsrc, while somebody plays
        self.started: int | None = None
        self.factory = GstRtspServer.RTSPMediaFactory()
        self.factory.set_launch(LAUNCH.format(fps=fps))
        self.factory.set_shared(True)
        self.factory.connect("media-configure", self.on_media)

    def on_media(self, _factory: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia) -> None:
        element = media.get_element()
        self.source, self.started = element.get_by_name_recurse_up("units"), None
        payloader = element.get_by_name_recurse_up("pay0")
        both = Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST
        payloader.get_static_pad("src").add_probe(both, self.on_packet)
        media.connect("unprepared", self.on_unprepared)

    def on_unprepared(self, _media: GstRtspServer.RTSPMedia) -> None:
        self.source = None

    def on_packet(self, _pad: Gst.Pad, _info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
        lost = self.loss and random.random() < self.loss
        return Gst.PadProbeReturn.DROP if lost else Gst.PadProbeReturn.OK

    def tick(self, number: int) -> None:
        place = number % len(self.variants[self.shown])
        if place % self.fps == 0:
            self.shown = self.wanted
        if self.source is None or (self.started is None and place % self.fps):
            return
        unit = self.variants[self.shown][place]
        if self.damage and random.random() < self.damage:
            unit = spoilt(unit)
        if self.started is None:
            self.started = number
        buffer = Gst.Buffer.new_wrapped(unit)
        buffer.pts = (number - self.started) * Gst.SECOND // self.fps
        buffer.duration = Gst.SECOND // self.fps
        self.source.emit("push-buffer", buffer)


def spoilt(unit: bytes) -> bytes:
    changed = bytearray(unit)
    for _ in range(max(4, len(changed) // 40)):
        changed[random.randrange(min(16, len(changed) - 1), len(changed))] = random.randrange(256)
    return bytes(changed)


class Site:
    """The server, its cameras, and one clock for all."""

    def __init__(self, server: GstRtspServer.RTSPServer, cameras: list[Camera]) -> None:
        self.mounts = server.get_mount_points()
        self.cameras = {camera.name: camera for camera in cameras}
        for camera in cameras:
            self.mounts.add_factory(f"/{camera.name}", camera.factory)
        self.fps = cameras[0].fps
        self.started_us = GLib.get_monotonic_time()
        self.number = 0
        GLib.timeout_add(5, self.tick)
        GLib.io_add_watch(GLib.IOChannel.unix_new(0), GLib.IOCondition.IN | GLib.IOCondition.HUP, self.on_line)

    def tick(self) -> bool:
        due = (GLib.get_monotonic_time() - self.started_us) * self.fps // 1_000_000
        if due - self.number > self.fps:  # it was stopped for a while: a camera would not make up for it
            self.number += (due - self.number) // self.fps * self.fps
        while self.number < due:
            self.number += 1
            for camera in self.cameras.values():
                camera.tick(self.number)
        return True

    def on_line(self, _channel: GLib.IOChannel, _condition: GLib.IOCondition) -> bool:
        line = sys.stdin.readline()
        if not line:
            os._exit(0)  # whoever gives the commands is gone
        name, verb, *rest = line.split()
        camera = self.cameras[name]
        if verb == "leave":
            self.mounts.remove_factory(f"/{name}")
        elif verb == "return":
            self.mounts.add_factory(f"/{name}", camera.factory)
        elif verb == "show":
            camera.wanted = rest[0]
        else:
            setattr(camera, {"loss": "loss", "damage": "damage"}[verb], float(rest[0]))
        print("done", flush=True)
        return True


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", required=True)
    parser.add_argument("--units", type=Path, required=True)
    parser.add_argument("--fps", type=int, required=True)
    parser.add_argument("names", nargs="+")
    chosen = parser.parse_args()
    variants = {path.stem: units(path) for path in chosen.units.glob("*.units")}
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(chosen.port)
    Site(server, [Camera(name, variants, chosen.fps) for name in chosen.names])
    if server.attach(None) == 0:
        raise SystemExit("the port is taken")
    print("ready", flush=True)
    GLib.MainLoop().run()


main()
