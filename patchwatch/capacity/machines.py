"""How many machines of one size a plan takes, and what they cost a month at a price that the user names."""

from __future__ import annotations

import math
from dataclasses import dataclass

from patchwatch.capacity.plan import Plan
from patchwatch.contract.errors import RejectedError

_MEMORY_SHARE = 0.9  # of a machine; the rest is its system's


@dataclass(frozen=True)
class Machine:
    """``price``: a month of one, in any currency; None where nobody asks. ``gpu_price``: a month of one GPU."""

    cores: int
    memory_gib: float
    price: float | None = None
    gpu_price: float | None = None

    @classmethod
    def parse(cls, size: str, price: float | None = None, gpu_price: float | None = None) -> Machine:
        """``size``: cores and GiB, as ``16:64``. Raises `RejectedError`."""
        cores, _, memory = size.partition(":")
        try:
            machine = cls(int(cores), float(memory), price, gpu_price)
        except ValueError:
            raise RejectedError(f"a machine is CORES:GIB, for example 16:64, and not {size[:40]!r}") from None
        if machine.cores < 1 or not 0 < machine.memory_gib < math.inf:
            raise RejectedError("a machine has at least one core, and memory")
        return machine


@dataclass(frozen=True)
class Bill:
    """``machines``: for everything but Redis. ``redis_machines``: of each installation's Redis, which has one of its
    own. ``redis_fits``: whether that one has the memory. Prices are of a month: of all, and of one camera; None where
    none was named. Disks and traffic are not in them."""

    machines: int
    redis_machines: int
    redis_fits: bool
    price: float | None
    price_a_camera: float | None


def bill(plan: Plan, machine: Machine) -> Bill:
    """Machines are filled up to the load that workers are planned for; a process may run on any of them. Raises
    `RejectedError` where GPUs are needed that have no price."""
    if machine.price is not None and plan.gpus and machine.gpu_price is None:
        raise RejectedError("name the price of a GPU too: --gpu-price, 0 where it comes with the machine")
    others = [process for process in plan.processes if process.role != "redis"]
    by_cores = sum(process.cores for process in others) / plan.order.target_load / machine.cores
    gib = machine.memory_gib * _MEMORY_SHARE
    by_memory = sum(process.memory_mib for process in others) / 1024 / gib
    machines, redis_machines = max(1, math.ceil(max(by_cores, by_memory))), plan.installations
    redis_fits = plan.redis_memory_mib / 1024 / redis_machines <= gib
    price = None
    if machine.price is not None:
        price = (machines + redis_machines) * machine.price + plan.gpus * (machine.gpu_price or 0.0)
    return Bill(machines, redis_machines, redis_fits, price, None if price is None else price / plan.order.cameras)
