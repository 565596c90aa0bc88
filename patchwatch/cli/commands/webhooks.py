"""``patchwatch webhooks``: where a running service sends alerts, over its REST API."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from patchwatch.cli.plain_help import plain_typer
from patchwatch.cli.rest_client import ask
from patchwatch.contract.errors import RejectedError, RetryableError
from patchwatch.contract.settings import load_settings
from patchwatch.messages.alert import AlertChange, AlertKind

app = plain_typer("Send alerts of a running service to HTTP receivers.")

_Api = Annotated[
    str | None, typer.Option("--api", help="Address of the service. Default: PATCHWATCH_HOST and PATCHWATCH_PORT.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="Small letters, digits, '-' and '_'.")]
_Cameras = Annotated[list[str] | None, typer.Option("--camera", help="Only of this camera; repeatable.")]
_Kinds = Annotated[list[AlertKind] | None, typer.Option("--kind", help="Only of this kind; repeatable.")]
_States = Annotated[list[AlertChange] | None, typer.Option("--state", help="Only when it does this; repeatable.")]
_SecretStdin = Annotated[bool, typer.Option("--secret-stdin", help="Read the signing secret from standard input.")]
_URL_HELP = "http(s)://... -: read it from standard input, so that a password in it shows in no process list."


@app.command("add")
def add(
    id: _Id,
    url: Annotated[str, typer.Argument(help=_URL_HELP)],
    camera: _Cameras = None,
    kind: _Kinds = None,
    state: _States = None,
    secret_stdin: _SecretStdin = False,
    api: _Api = None,
    as_json: _Json = False,
) -> None:
    """Send alerts to an address from now on. Prints the secret that signs them, this once."""
    body = {"id": id, "url": _line() if url == "-" else url, **_given(camera, kind, state, secret_stdin)}
    made = ask(load_settings(), api, "POST", "/webhooks", body)
    _show(made, as_json)
    if not as_json:
        typer.echo(f"secret: {made['secret']}")


@app.command("list")
def list_(api: _Api = None, as_json: _Json = False) -> None:
    """List all webhooks, and how their deliveries are."""
    webhooks = ask(load_settings(), api, "GET", "/webhooks")["webhooks"]
    if as_json:
        typer.echo(json.dumps(webhooks))
        return
    if not webhooks:
        typer.echo("no webhooks; add one: patchwatch webhooks add ID URL", err=True)
    for webhook in webhooks:
        _show(webhook, as_json=False)


@app.command("update")
def update(
    id: _Id,
    url: Annotated[str | None, typer.Option(help=_URL_HELP)] = None,
    camera: _Cameras = None,
    kind: _Kinds = None,
    state: _States = None,
    all_alerts: Annotated[bool, typer.Option("--all", help="Take every filter away.")] = False,
    enable: Annotated[bool | None, typer.Option("--enable/--disable", help="Switch it on or off.")] = None,
    secret_stdin: _SecretStdin = False,
    new_secret: Annotated[bool, typer.Option("--new-secret", help="Give it a random secret, and print it.")] = False,
    api: _Api = None,
    as_json: _Json = False,
) -> None:
    """Change a webhook. Once switched on again, it gets what comes from then on."""
    filters = _given(camera, kind, state, secret_stdin)
    if all_alerts and filters.keys() & {"cameras", "kinds", "states"}:
        raise RejectedError("give filters or --all, not both")
    if new_secret and secret_stdin:
        raise RejectedError("give --secret-stdin or --new-secret, not both")
    body: dict[str, Any] = {"cameras": [], "kinds": [], "states": []} if all_alerts else {}
    body |= filters
    if url is not None:
        body["url"] = _line() if url == "-" else url
    if enable is not None:
        body["enabled"] = enable
    if not body and not new_secret:
        raise RejectedError("nothing to change: see `patchwatch webhooks update --help`")
    settings = load_settings()
    changed = ask(settings, api, "PATCH", f"/webhooks/{id}", body)
    if new_secret:
        changed |= ask(settings, api, "POST", f"/webhooks/{id}/secret")
    _show(changed, as_json)
    if new_secret and not as_json:
        typer.echo(f"secret: {changed['secret']}")


@app.command("remove")
def remove(id: _Id, api: _Api = None) -> None:
    """Remove a webhook with its dead letters."""
    ask(load_settings(), api, "DELETE", f"/webhooks/{id}")
    typer.echo(f"removed {id}", err=True)


@app.command("test")
def trial(id: _Id, api: _Api = None) -> None:
    """Send a test message now, and say how it ended."""
    answer = ask(load_settings(), api, "POST", f"/webhooks/{id}/test")
    if not answer["delivered"]:
        raise RetryableError(f"{id} did not take the test: {answer['detail']}")
    typer.echo(f"{id} took the test", err=True)


@app.command("dead")
def dead(id: _Id, api: _Api = None, as_json: _Json = False) -> None:
    """List the alert changes that were given up, oldest first."""
    letters = ask(load_settings(), api, "GET", f"/webhooks/{id}/dead?limit=1000")["dead_letters"]
    if as_json:
        typer.echo(json.dumps(letters))
        return
    for letter in letters:
        alert = letter["alert"]
        told = f"{alert['id']} {alert['state']}"
        typer.echo(f"{letter['id']:<18} {letter['died']}  {told:<40} {letter['attempts']} attempts  {letter['reason']}")


@app.command("retry")
def retry(
    id: _Id,
    letters: Annotated[
        list[str] | None, typer.Argument(metavar="[LETTER]...", help="Of `webhooks dead`. Default: all.")
    ] = None,
    api: _Api = None,
) -> None:
    """Send dead letters again, one attempt each."""
    answer = ask(load_settings(), api, "POST", f"/webhooks/{id}/dead/retry", {"ids": letters} if letters else {})
    typer.echo(f"{answer['queued']} are sent again", err=True)


def _given(
    camera: list[str] | None, kind: list[AlertKind] | None, state: list[AlertChange] | None, secret_stdin: bool
) -> dict[str, Any]:
    body = {"cameras": camera, "kinds": kind, "states": state, "secret": _line() if secret_stdin else None}
    return {field: value for field, value in body.items() if value}


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _show(webhook: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(webhook))
        return
    counts = f"{webhook['delivered']} delivered, {webhook['pending']} pending, {webhook['dead_letters']} dead"
    reason = f": {webhook['reason']}" if webhook["reason"] else ""
    typer.echo(f"{webhook['id']:<20} {webhook['url']}{_only(webhook)}  {counts}  {webhook['health']}{reason}")


def _only(webhook: dict[str, Any]) -> str:
    chosen = [value for field in ("cameras", "kinds", "states") for value in webhook[field]]
    return f"  only {', '.join(chosen)}" if chosen else ""
