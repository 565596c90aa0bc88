"""What one round of leases takes: of a worker that holds all, and of one that finds the units with others."""

from __future__ import annotations

import time
from typing import Any

from bench.capacity.site import Site
from patchwatch.bus.keys import LeaseKeys
from patchwatch.contract.roles import Role
from workers.runtime.leases import Leases

_ROUNDS = 10


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
