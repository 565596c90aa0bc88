"""``patchwatch demo``: the whole product on a live camera, in one terminal, from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.options import AsJson
from patchwatch.cli.output import print_json
from patchwatch.cli.progress import progress_bar
from patchwatch.contract.errors import RejectedError, RetryableError
from patchwatch.messages.cameras.source import Source, SourceKind

if TYPE_CHECKING:
    from rich.console import Console

    from patchwatch.contract.settings import Settings
    from patchwatch.demo.session import DemoOptions, DemoSession
    from patchwatch.demo.summary import Summary

_MAX_UNSCORED = 50  # frames still in the queue at the end; more means that scoring had stopped
_LearnSeconds = Annotated[
    float,
    typer.Option("--learn-seconds", "--normal-seconds", min=10, help="Live video that the camera learns from first."),
]


def demo(
    duration: Annotated[float | None, typer.Option(min=1, help="Seconds of live video. Default: until Ctrl-C.")] = None,
    source: Annotated[str | None, typer.Option(help="A video file or rtsp:// address in place of the scene.")] = None,
    normal: Annotated[Path | None, typer.Option(help="With --source: a recording to learn from before.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another day on the rendered square.")] = 1,
    learn_seconds: _LearnSeconds = 55.0,
    first_anomaly: Annotated[float, typer.Option(min=0, help="Second of the first scripted anomaly.")] = 100.0,
    anomaly_every: Annotated[float, typer.Option(min=12, help="Seconds from one to the next.")] = 20.0,
    as_json: AsJson = False,
) -> None:
    """Publish a rendered scene, or a video of yours, live over RTSP: it becomes a camera, learns what is normal by
    itself, and alerts. Exit code 130: stopped early."""
    from rich.console import Console

    from patchwatch.demo.session import DemoOptions, DemoSession, check_source, demo_settings

    location = _parse_source(source)
    if location is None and normal is not None:
        raise RejectedError("--normal is for a video of your own: name that with --source")
    if normal is not None and not normal.is_file():
        raise RejectedError(f"{normal} is not a file: name with --normal a video in which all is normal")
    longer = f"give it --duration {learn_seconds + 65:.0f} (make demo DURATION={learn_seconds + 65:.0f}) or more"
    if duration is not None and normal is None and duration <= learn_seconds:
        raise RejectedError(
            f"in {duration:g} s nothing is scored: the camera learns for its first {learn_seconds:g} s: {longer}"
        )
    check_source(location)
    options = DemoOptions(duration, location, normal, seed, learn_seconds, first_anomaly, anomaly_every)
    console = Console(stderr=as_json)
    with _stop_signals_as_ctrl_c(), demo_settings(learn_seconds) as settings, DemoSession(options, settings) as session:
        summary = _play(options, settings, session, console)
        log = session.log_tail()
    if summary is None:
        raise typer.Exit(130)
    for line in summary.lines():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if as_json:
        print_json(summary.as_json())
    _check_scored(summary, longer, log)


def _check_scored(summary: Summary, longer: str, log: str) -> None:
    """Raises `RetryableError` for a demo that showed nothing."""
    if summary.captured and not summary.scored and summary.armed_after_s is None:
        raise RetryableError(
            f"nothing was scored: after {summary.live_s:.0f} s the camera was still learning: {longer}"
        )
    unscored = summary.captured - summary.scored - sum(summary.dropped.values())
    if summary.scored == 0 or unscored > _MAX_UNSCORED:
        raise RetryableError(
            f"{summary.scored} frames were scored, {unscored} not; the end of the service's log:\n{log}"
        )


def _play(options: DemoOptions, settings: Settings, session: DemoSession, console: Console) -> Summary | None:
    """The summary; None when the user stopped the demo before anything was scored."""
    from patchwatch.demo.screen import make_screen
    from patchwatch.demo.session import learn_normal

    try:
        _print_plain(console, _introduction(options))
        if options.normal is not None:
            with progress_bar("enrolling demo") as report:
                threshold = learn_normal(settings, options.normal, report)
            _print_plain(console, f"learnt: alerts will open above a score of {threshold:.2f}")
        session.start()
        _print_plain(console, _addresses(session, settings))
    except KeyboardInterrupt:
        return None
    with suppress(KeyboardInterrupt), make_screen(console) as screen:
        session.watch(screen)
    with suppress(KeyboardInterrupt):
        return session.summary()
    return None


def _parse_source(source: str | None) -> Path | str | None:
    """A file, or an RTSP address. Raises `RejectedError` for anything else."""
    if source is None:
        return None
    if "://" not in source and not source.startswith("file:"):
        return Path(source).expanduser().absolute()
    parsed = Source.parse(source)
    return parsed.url if parsed.kind is SourceKind.PULL else parsed.path


def _print_plain(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _introduction(options: DemoOptions) -> str:
    if options.source is not None:
        what = f"{Source.parse(options.source)}" if isinstance(options.source, str) else options.source.name
        if options.normal is not None:
            return f"Patchwatch demo: learns normal from {options.normal}, then watches {what} live."
        return (
            f"Patchwatch demo: watches {what} live. Its first {options.learn_s:.0f} s are taken for normal; from then "
            "on it is scored."
        )
    return (
        "Patchwatch demo: publishes a synthetic square where people walk live over RTSP to the service's own endpoint. "
        "Nothing\nis configured: it becomes a camera, learns what is normal from its first "
        f"{options.learn_s:.0f} s, and is armed. Nothing unusual\nhappens before second "
        f"{options.first_anomaly_s:.0f}, or before it is armed; then, every {options.anomaly_every_s:.0f} s, "
        "somebody runs, a van\ncrosses, somebody falls."
    )


def _addresses(session: DemoSession, wanted: Settings) -> str:
    used = session.settings
    moved = [
        f"port {port} is taken: {noun} uses {instead} instead"
        for noun, port, instead in (
            ("the service", wanted.port, used.port),
            ("the RTSP endpoint", wanted.rtsp_port, used.rtsp_port),
        )
        if port not in (0, instead)
    ]
    base, sockets = session.base, session.sockets
    lines = [
        *moved,
        f"page       {base}/",
        f"API docs   {base}/docs",
        f"REST       {base}/api/v1/cameras/demo/status",
        f"WebSocket  {sockets}/ws/alerts  {sockets}/ws/scores",
        f"camera     {session.rtsp}",
        f"try        curl -s {base}/api/v1/alerts",
        "Ctrl-C stops the demo.",
    ]
    return "\n".join(lines)


@contextmanager
def _stop_signals_as_ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP stop all parts in order too, and so does SIGINT where a shell started us in the background and
    made it ignored."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    from workers.runtime.stop_signals import stop_handler

    with stop_handler(interrupt):
        yield
