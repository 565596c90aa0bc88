"""``patchwatch plan``: what so many cameras take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.capacity.plan import Video
from patchwatch.cli.options import AnalysisFps, AsJson, Profile
from patchwatch.cli.output import print_json

if TYPE_CHECKING:
    from patchwatch.capacity.machines import Bill, Machine
    from patchwatch.capacity.plan import Plan


def plan(
    cameras: Annotated[int, typer.Option(min=1, max=100_000, help="How many cameras.")],
    profile: Profile = None,
    fps: AnalysisFps = None,
    video: Annotated[Video, typer.Option(help="Size of their video.")] = Video.P1080,
    video_fps: Annotated[float, typer.Option(min=1, max=120, help="Frames per second of their video.")] = 15.0,
    gpu: Annotated[bool, typer.Option("--gpu", help="Networks run on a GPU: an estimate.")] = False,
    machine: Annotated[str, typer.Option(metavar="CORES:GIB", help="Size of the machines.")] = "16:64",
    price: Annotated[float | None, typer.Option(min=0, help="Of such a machine for a month, in any currency.")] = None,
    gpu_price: Annotated[float | None, typer.Option(min=0, help="Of a GPU for a month.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a number of cameras takes: processes, machines, memory, disk, and what gives way first.

    Computed from what was measured on one machine; each line names its record in bench/results. Prices are yours: none
    come with Patchwatch, as they would be out of date.
    """
    from dataclasses import asdict

    from patchwatch.capacity import plan as planning
    from patchwatch.capacity.figures import figures
    from patchwatch.capacity.machines import Machine, bill
    from patchwatch.contract.settings import load_settings

    settings = load_settings()
    order = planning.Order(
        cameras, profile or settings.default_profile, fps or settings.analysis_fps, video, video_fps, gpu,
        settings.partitions, settings.target_load, settings.score_retention_hours,
    )  # fmt: skip
    found = planning.plan(order, figures())
    size = Machine.parse(machine, price, gpu_price)
    cost = bill(found, size)
    if as_json:
        beyond = {"installations": found.installations, "beyond": [limit.what for limit in found.broken]}
        print_json({**asdict(found), "cores": found.cores, **beyond, "machine": asdict(size), "bill": asdict(cost)})
    else:
        _show(found)
        _show_machines(found, size, cost)


def _show(found: Plan) -> None:
    order = found.order
    typer.echo(
        f"{order.cameras} cameras, {order.video} at {order.video_fps:g} frames/s, {order.fps:g} of them analysed by "
        f"{order.profile}: {found.frames_per_s:,.0f} frames/s"
    )
    for process in found.processes:
        memory = f"{process.memory_mib / 1024:,.1f} GiB"
        typer.echo(
            f"  {process.count:>5} {process.role:<22} {process.cores:>8.1f} cores {memory:>12}   {process.source}"
        )
    if found.gpus:
        typer.echo(f"  {found.gpus:>5} GPU(s), shared by the inference workers: an estimate")
    typer.echo(
        f"Redis: {found.redis_memory_mib / 1024:,.1f} GiB, {found.redis_load:.0%} of its thread, "
        f"{found.redis_commands_per_s:,.0f} commands/s, {found.redis_network_mb_per_s:,.0f} MB/s; "
        f"its log grows by {found.log_gb_per_day:,.1f} GB a day before it is rewritten"
    )
    typer.echo(f"Banks and memory on disk: {found.disk_gb:,.0f} GB")
    typer.echo("What gives way first:")
    for limit in found.limits:
        mark = "BEYOND" if limit in found.broken else "up to"
        typer.echo(f"  {mark} {limit.cameras:,} cameras: {limit.what} ({limit.source}); then: {limit.remedy}")
    if found.installations > 1:
        typer.echo(f"So this takes at least {found.installations} installations, each with a Redis of its own.")


def _show_machines(found: Plan, machine: Machine, cost: Bill) -> None:
    size = f"{machine.cores} cores and {machine.memory_gib:g} GiB"
    typer.echo(f"Machines of {size}: {cost.machines}, and {cost.redis_machines} for Redis")
    if not cost.redis_fits:
        typer.echo("  Redis does not fit into one: give it more memory, or keep scores for less long")
    if cost.price is not None:
        typer.echo(
            f"At your price: {cost.price:,.0f} a month, {cost.price_a_camera:,.2f} a camera, without disks and traffic"
        )
    for estimate in found.estimates:
        typer.echo(f"Estimate: {estimate}")
