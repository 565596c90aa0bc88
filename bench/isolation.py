"""What a camera that comes and goes, and one whose pictures are damaged, cost eight others.

``python -m bench.isolation`` runs ten cameras, in turns all well and with those two; it writes the rates of scores of
the eight in both to ``bench/results/isolation.json``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]  # also when run as a file

from cameras import Cameras  # noqa: E402
from footage import write_recording, write_units  # noqa: E402
from installation import Installation  # noqa: E402
from tcp_proxy import TcpProxy  # noqa: E402

from bench.measure import RESULTS, spread, write  # noqa: E402

HEALTHY = tuple(f"well{number}" for number in range(1, 9))
FLAPPING, DAMAGED = "flapping", "damaged"
_UP_S, _DOWN_S = 3.0, 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS / "isolation.json")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patchwatch-isolation-") as folder:
        body = measure(Path(folder), chosen.seconds, chosen.turns)
    write("rate of eight cameras beside one that flaps and one that is damaged", body, chosen.out)


def measure(folder: Path, seconds: float, turns: int) -> dict[str, Any]:
    """Rates of scores a second, alone and disturbed, in turns."""
    units = write_units(folder / "units")
    (folder / "media").mkdir()
    recording = write_recording(folder / "media" / "normal.mp4", loops=4)
    server = Cameras(units, *HEALTHY, FLAPPING, DAMAGED)
    proxy, site = TcpProxy(server.port), Installation(folder / "site", folder / "media")
    try:
        server.start()
        site.start()
        for name in server.names:
            site.add_camera(name, server.url(name, proxy.port if name == FLAPPING else None))
        site.enrol(HEALTHY[0], recording)
        for name in server.names[1:]:  # they show the same scene
            shutil.copytree(site.settings.banks_dir / HEALTHY[0], site.settings.banks_dir / name)
        site.wait_until_ok(*server.names, within_s=180)
        alone, disturbed = [], []
        for _ in range(turns):
            alone += rates(site, seconds)
            server.tell(DAMAGED, "damage", 0.3)
            with _Flap(proxy):
                disturbed += rates(site, seconds)
            server.tell(DAMAGED, "damage", 0.0)
            site.wait_until_ok(*server.names, within_s=180)
    finally:
        site.close()
        proxy.close()
        server.stop()
    loss = 1 - sum(disturbed) / sum(alone)
    about = {"seconds": seconds, "turns": turns, "cameras": len(HEALTHY)}
    return about | {
        "alone_per_s": spread(alone), "disturbed_per_s": spread(disturbed), "rate_lost": round(loss, 4),
        "within_5_percent": loss < 0.05,
    }  # fmt: skip


def rates(site: Installation, seconds: float) -> list[float]:
    """Scores a second of each healthy camera over some time."""
    before, began_s = _scored(site), time.monotonic()
    time.sleep(seconds)
    after, took_s = _scored(site), time.monotonic() - began_s
    return [(after[name] - before[name]) / took_s for name in HEALTHY]


def _scored(site: Installation) -> dict[str, int]:
    return {status["camera_id"]: status["frames"]["scored"] for status in site.get("/status")["statuses"]}


class _Flap:
    """The camera behind the proxy goes every few seconds, while the context lasts."""

    def __init__(self, proxy: TcpProxy) -> None:
        self._proxy = proxy
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._flap)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._proxy.restore()

    def _flap(self) -> None:
        while not self._stop.wait(_UP_S):
            self._proxy.cut(refuse=True)
            self._stop.wait(_DOWN_S)
            self._proxy.restore()


if __name__ == "__main__":
    main()
