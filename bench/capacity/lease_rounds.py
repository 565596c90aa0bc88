"""What one round of leases takes: of a worker that holds all, and of one that finds the units with others.

``python -m bench.capacity.lease_rounds`` writes ``bench/results/lease-rounds.json``. Redis and leases are real; nobody
captures anything.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.capacity.site import Site
from bench.measure import RESULTS, write
from patchwatch.bus.keys import LeaseKeys
from patchwatch.contract.roles import Role
from workers.runtime.leases import Leases

_ROUNDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, nargs="+", default=[250, 2000, 10_000])
    parser.add_argument("--port", type=int, default=22_100)
    parser.add_argument("--out", type=Path, default=RESULTS / "lease-rounds.json")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patchwatch-leases-") as folder:
        site = Site(Path(folder), port=chosen.port, workers=0, frame_ms=0.0, settings={})
        try:
            site.start_redis()
            rows = [lease_rounds(site, units) for units in chosen.units]
        finally:
            site.close()
    write("a round of leases, of real workers without work", {"rounds": _ROUNDS, "rows": rows}, chosen.out)


def lease_rounds(site: Site, units: int) -> dict[str, float]:
    """Milliseconds of Redis's thread and of the worker's processor, for one round of so many captures."""
    url = site.settings.shared_redis_url
    work = {LeaseKeys.for_capture(f"leased{number:05d}", 64): 1 for number in range(units)}
    holder, other = Leases(url, Role.INGEST), Leases(url, Role.INGEST)
    holder.want(work)
    other.want(work, frozenset(work))
    try:
        while len(holder.owned) < units:
            holder._round()
        return {
            "units": units,
            **{f"holding_{kind}_ms": value for kind, value in _round_ms(site, holder).items()},
            **{f"looking_on_{kind}_ms": value for kind, value in _round_ms(site, other).items()},
        }
    finally:
        with site.redis.pipeline(transaction=False) as pipe:
            for unit in work:
                pipe.delete(unit.lease, unit.fence)
            pipe.execute()
        holder._client.close()
        other._client.close()


def _round_ms(site: Site, leases: Leases) -> dict[str, float]:
    redis_s, own_s = _redis_s(site), time.process_time()
    for _ in range(_ROUNDS):
        leases._round()
    redis_s, own_s = _redis_s(site) - redis_s, time.process_time() - own_s
    return {"redis": round(1000 * redis_s / _ROUNDS, 3), "worker": round(1000 * own_s / _ROUNDS, 3)}


def _redis_s(site: Site) -> float:
    cpu: Any = site.redis.info("cpu")
    return float(cpu["used_cpu_user_main_thread"] + cpu["used_cpu_sys_main_thread"])


if __name__ == "__main__":
    main()
