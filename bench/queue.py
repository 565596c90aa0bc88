"""What keeping the queue costs: the server's time, and what it writes to its disk, for each frame.

``python -m bench.queue`` writes ``bench/results/queue.json``. Each round trip is that of one frame of a live camera: a
picture of 24 kB is published, then a score with its state is committed and old pictures are trimmed. Contents are
SYNTHETIC (random bytes); their sizes are those of a `motion` camera of 640x360. The fields of a commit are:
``logged`` 1.3 kB and ``unlogged`` 5.6 kB.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import RESULTS, spread, write  # noqa: E402
from patchwatch.bus.connection import connect  # noqa: E402
from patchwatch.bus.writes import add_entry, set_fields  # noqa: E402
from patchwatch.local_redis.kept_server import _KEEPS  # noqa: E402
from patchwatch.local_redis.scratch_folder import scratch_folder  # noqa: E402
from patchwatch.local_redis.server_process import ServerProcess  # noqa: E402
from patchwatch.local_redis.server_program import programs  # noqa: E402

CAMERAS, FPS, KEPT = 12, 5, 8
FRAME, SCORE, LOGGED, UNLOGGED = (random.Random(0).randbytes(size) for size in (24_000, 110, 1_300, 5_600))
FORGETS = ("--save", "", "--appendonly", "no")
WITHOUT_FSYNC = tuple("no" if option == "everysec" else option for option in _KEEPS)
WAYS = {
    "nothing kept": (FORGETS, True),
    "all logged, fsync each second": (_KEEPS, False),
    "all logged, fsync left to the system": (WITHOUT_FSYNC, False),
    "as it is: pictures not logged, fsync each second": (_KEEPS, True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=3000, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS / "queue.json")
    chosen = parser.parse_args()
    rounds: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(chosen.rounds):
        for way, (options, unlogged) in WAYS.items():
            rounds[way].append(measured(options, unlogged, chosen.frames))
    ways = {way: {name: spread([one[name] for one in each]) for name in each[0]} for way, each in rounds.items()}
    program = next(programs()).name.rpartition(" (")[0]
    body = {"server": program, "frames": chosen.frames, "rounds": chosen.rounds, "kb_per_frame": len(FRAME) / 1000}
    write("what keeping the queue costs, per frame", {**body, "ways": ways}, chosen.out)


def measured(options: tuple[str, ...], unlogged: bool, frames: int) -> dict[str, float]:
    """Frames per second of one client, milliseconds of the server's processor per frame, kB of log per frame, and what
    that is a day for twelve cameras at 5 fps, rewriting aside."""
    with server(options) as client:
        client.set("lease", b"ours")
        cpu_before_s, began_s = _cpu_s(client), time.perf_counter()
        for seq in range(1, frames + 1):
            one_frame(client, f"cam{seq % CAMERAS}", seq, unlogged)
        took_s, cpu_s = time.perf_counter() - began_s, _cpu_s(client) - cpu_before_s
        logged = written(client)
    return {
        "frames_per_s": frames / took_s,
        "server_cpu_ms_per_frame": cpu_s / frames * 1000,
        "log_kb_per_frame": logged / frames / 1000,
        "log_gb_per_day_of_12_cameras": logged / frames * CAMERAS * FPS * 86_400 / 1e9,
    }


def one_frame(client: Any, camera: str, seq: int, unlogged: bool) -> None:
    picture = {b"h": b"x" * 30, b"j": FRAME}
    stream = f"frames:{camera}"
    if unlogged and seq > CAMERAS:
        add_entry(client, stream, picture, entry_id=f"{seq}-0", maxlen=64, lease="lease", value=b"ours")
    else:
        client.xadd(stream, picture, id=f"{seq}-0", maxlen=64, approximate=False)
    with client.pipeline(transaction=True) as pipe:
        pipe.xadd(f"scores:{camera}", {b"s": SCORE}, id=f"{seq}-0")
        pipe.hset(f"state:{camera}", mapping={"seq": seq, "worker": LOGGED})
        if unlogged:
            set_fields(pipe, f"state:{camera}", {"rest": UNLOGGED})
        else:
            pipe.hset(f"state:{camera}", "rest", UNLOGGED)
        pipe.xtrim(f"frames:{camera}", minid=f"{max(0, seq - KEPT * CAMERAS)}-0", approximate=False)
        pipe.execute()


@contextmanager
def server(options: tuple[str, ...]) -> Iterator[Any]:
    with scratch_folder("bench", 80) as folder:
        process = ServerProcess(next(programs()), folder, folder / "redis.sock", options)
        process.start()
        try:
            with connect(process.url) as client:
                client.config_set("auto-aof-rewrite-percentage", 0)  # its part is computed in the decision note
                yield client
        finally:
            process.stop()


def written(client: Any) -> int:
    return int(client.info("persistence").get("aof_current_size", 0))


def _cpu_s(client: Any) -> float:
    used = client.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])


if __name__ == "__main__":
    main()
