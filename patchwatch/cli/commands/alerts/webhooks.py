"""``patchwatch webhooks``: where a running service sends alerts, over its REST API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from patchwatch.cli.command_group import command_group
from patchwatch.cli.options import Api, AsJson, NewId, rest_client, stdin_line
from patchwatch.cli.output import print_json, print_outcome
from patchwatch.contract.errors import RejectedError, RetryableError
from patchwatch.messages.alerts.alert import AlertChange, AlertKind

app = command_group("Send the alerts of a running service to HTTP receivers.")

_Id = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Id of the webhook.")]
_Cameras = Annotated[list[str] | None, typer.Option("--camera", help="Only of this camera; repeatable.")]
_Kinds = Annotated[list[AlertKind] | None, typer.Option("--kind", help="Only of this kind; repeatable.")]
_States = Annotated[list[AlertChange] | None, typer.Option("--state", help="Only when an alert does this; repeatable.")]
_SecretStdin = Annotated[bool, typer.Option("--secret-stdin", help="Read the signing secret from standard input.")]
_URL_HELP = "http(s)://... -: read it from standard input, so that a password in it shows in no process list."


@app.command("add")
def add(
    id: NewId,
    url: Annotated[str, typer.Argument(help=_URL_HELP)],
    camera: _Cameras = None,
    kind: _Kinds = None,
    state: _States = None,
    secret_stdin: _SecretStdin = False,
    disabled: Annotated[bool, typer.Option("--disabled", help="Add it without sending to it yet.")] = False,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Send alerts to an address from now on. Prints the secret that signs them, which is not shown again."""
    body = {"id": id, "url": stdin_line() if url == "-" else url, **_given(camera, kind, state, secret_stdin)}
    webhook = rest_client(api).post("/webhooks", body | ({"enabled": False} if disabled else {}))
    _print(webhook, as_json)
    if not as_json:
        typer.echo(f"secret: {webhook['secret']}")


@app.command("list")
def list_(api: Api = None, as_json: AsJson = False) -> None:
    """List all webhooks with the state of their deliveries."""
    webhooks = rest_client(api).get("/webhooks")["webhooks"]
    if as_json:
        print_json(webhooks)
        return
    if not webhooks:
        typer.echo("there are no webhooks: add one with `patchwatch webhooks add ID URL`", err=True)
    for webhook in webhooks:
        _print(webhook, as_json=False)


@app.command("update")
def update(
    id: _Id,
    url: Annotated[str | None, typer.Option(help=_URL_HELP)] = None,
    camera: _Cameras = None,
    kind: _Kinds = None,
    state: _States = None,
    all_alerts: Annotated[bool, typer.Option("--all", help="Remove every filter.")] = False,
    enable: Annotated[bool | None, typer.Option("--enable/--disable", help="Switch it on or off.")] = None,
    secret_stdin: _SecretStdin = False,
    new_secret: Annotated[bool, typer.Option("--new-secret", help="Give it a random secret, and print it.")] = False,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Change a webhook; what is not given stays."""
    filters = _given(camera, kind, state, secret_stdin)
    if all_alerts and filters.keys() & {"cameras", "kinds", "states"}:
        raise RejectedError("give filters or --all, not both")
    if new_secret and secret_stdin:
        raise RejectedError("give --secret-stdin or --new-secret, not both")
    body: dict[str, Any] = {"cameras": [], "kinds": [], "states": []} if all_alerts else {}
    body |= filters
    if url is not None:
        body["url"] = stdin_line() if url == "-" else url
    if enable is not None:
        body["enabled"] = enable
    if not body and not new_secret:
        raise RejectedError("nothing was given to change: see `patchwatch webhooks update --help` for the options")
    client = rest_client(api)
    webhook = client.patch(f"/webhooks/{id}", body)
    if new_secret:
        webhook |= client.post(f"/webhooks/{id}/secret")
    _print(webhook, as_json)
    if new_secret and not as_json:
        typer.echo(f"secret: {webhook['secret']}")


@app.command("enable")
def enable(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Send to a webhook again, beginning with alerts that change from now on."""
    _print(rest_client(api).patch(f"/webhooks/{id}", {"enabled": True}), as_json)


@app.command("disable")
def disable(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Stop sending to a webhook, and keep its configuration."""
    _print(rest_client(api).patch(f"/webhooks/{id}", {"enabled": False}), as_json)


@app.command("remove")
def remove(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Remove a webhook with its dead letters."""
    rest_client(api).delete(f"/webhooks/{id}")
    print_outcome(f"removed {id}", {"id": id, "removed": True}, as_json=as_json)


@app.command("test")
def send_test(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Send a test message now, and report whether it was accepted. Exit code 1 when it was not."""
    answer = rest_client(api).post(f"/webhooks/{id}/test")
    if as_json:
        print_json(answer)
    if not answer["delivered"]:
        raise RetryableError(f"{id} did not accept the test: {answer['detail']}")
    if not as_json:
        typer.echo(f"{id} accepted the test", err=True)


@app.command("dead-letters")
def dead_letters(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """List the alert changes that could not be delivered and are no longer tried, oldest first."""
    letters = rest_client(api).get(f"/webhooks/{id}/dead?limit=1000")["dead_letters"]
    if as_json:
        print_json(letters)
        return
    for letter in letters:
        alert = letter["alert"]
        change = f"{alert['id']} {alert['state']}"
        attempts = f"{letter['attempts']} attempts"
        typer.echo(f"{letter['id']:<18} {letter['died']}  {change:<40} {attempts}  {letter['reason']}")


@app.command("retry")
def retry(
    id: _Id,
    letters: Annotated[
        list[str] | None, typer.Argument(metavar="[LETTER]...", help="Ids of `webhooks dead-letters`. Default: all.")
    ] = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters again, one attempt each."""
    answer = rest_client(api).post(f"/webhooks/{id}/dead/retry", {"ids": letters} if letters else {})
    print_outcome(f"{answer['queued']} dead letters are sent again", answer, as_json=as_json)


app.command("dead", hidden=True)(dead_letters)
app.command("trial", hidden=True)(send_test)


def _given(
    camera: list[str] | None, kind: list[AlertKind] | None, state: list[AlertChange] | None, secret_stdin: bool
) -> dict[str, Any]:
    body = {"cameras": camera, "kinds": kind, "states": state, "secret": stdin_line() if secret_stdin else None}
    return {field: value for field, value in body.items() if value}


def _print(webhook: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(webhook)
        return
    counts = f"{webhook['delivered']} delivered, {webhook['pending']} pending, {webhook['dead_letters']} dead"
    reason = f": {webhook['reason']}" if webhook["reason"] else ""
    typer.echo(f"{webhook['id']:<20} {webhook['url']}{_filters(webhook)}  {counts}  {webhook['health']}{reason}")


def _filters(webhook: dict[str, Any]) -> str:
    values = [value for field in ("cameras", "kinds", "states") for value in webhook[field]]
    return f"  only {', '.join(values)}" if values else ""
