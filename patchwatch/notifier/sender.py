"""The process that writes and sends one message: ``python -m patchwatch.notifier.sender``.

It reads a `MessageOrder` from its standard input, and writes ``ready``, ``written`` once it has its words, and then a
`MessageReport`.
"""

from __future__ import annotations

import logging
import re
import resource
import sys

from patchwatch.contract.errors import InvalidMessageError, RejectedError
from patchwatch.notifier.protocol import READY, WRITTEN, MessageOrder, MessageReport
from patchwatch.notifier.socket_guard import SocketGuard
from patchwatch.notifier.text import title_and_text

_MEMORY_BYTES = 2 * 1024**3  # of addresses, which is more than what is used
_CPU_S = 60
_STATUS = re.compile(r"error=([1-5][0-9]{2})\b")
_NO_ADDRESS = "is not an address that Apprise knows: see https://github.com/caronc/apprise/wiki for how it is written"


def main() -> None:
    """Do what the order says. Ends with an exit code only where there was none."""
    _limit(resource.RLIMIT_AS, _MEMORY_BYTES)
    _limit(resource.RLIMIT_CPU, _CPU_S)
    order = MessageOrder.decode(sys.stdin.buffer.readline())
    guard = SocketGuard(order.reach)
    if order.url is not None:
        _load_apprise()
    guard.install()
    _write(READY)
    _write(_report(order, guard).encode() + b"\n")


def _report(order: MessageOrder, guard: SocketGuard) -> MessageReport:
    try:
        title, text = title_and_text(order.title, order.body, order.context, strict=not order.send)
    except RejectedError as error:
        field, _, fault = str(error).partition(": ")
        return MessageReport(fault=fault, fault_field=field)
    except MemoryError:
        return MessageReport(fault="takes too much memory", fault_field="body")
    report = MessageReport(title=title, text=text)
    _write(WRITTEN)
    return report if order.url is None else _sent(order, order.url.get_secret_value(), report, guard)


def _sent(order: MessageOrder, url: str, report: MessageReport, guard: SocketGuard) -> MessageReport:
    from apprise import Apprise, AppriseAsset, NotifyFormat, PersistentStoreMode
    from apprise.attachment.memory import AttachMemory

    # No pictures of Apprise's: a receiver would fetch them from another host.
    asset = AppriseAsset(
        app_id="Patchwatch",
        app_desc="Patchwatch",
        storage_mode=PersistentStoreMode.MEMORY,
        image_url_mask="",
        image_url_logo="",
    )
    service = Apprise.instantiate(url, asset=asset)
    if service is None:
        return report.model_copy(update={"fault": _NO_ADDRESS})
    if not order.send:
        return report
    told = _Told()
    logging.getLogger("apprise").addHandler(told)
    pictures = (
        [
            AttachMemory(  # type: ignore[no-untyped-call]
                order.picture, name="alert.jpg", mimetype="image/jpeg"
            )
        ]
        if order.picture
        else []
    )
    sender = Apprise(asset=asset)
    sender.add(service)
    taken = sender.notify(
        title=report.title, body=report.text or report.title, body_format=NotifyFormat.TEXT,
        attach=pictures if pictures and service.attachment_support else None,
    )  # fmt: skip
    return report.model_copy(
        update={
            "sent": bool(taken), "status": told.status, "refusal": guard.refusal, "unreachable": told.unreachable,
        }
    )  # fmt: skip


class _Told(logging.Handler):
    """What Apprise says in its log of how it went. Its words are not passed on: they hold parts of the address."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.status: int | None = None
        self.unreachable = False

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()[:1000]
        if record.levelno >= logging.WARNING and (found := _STATUS.search(said)):
            self.status = int(found[1])
        self.unreachable = self.unreachable or "onnection error" in said


def _load_apprise() -> None:
    import apprise

    apprise.Apprise.instantiate("json://localhost")  # loads the services, which reads files


def _limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main()
    except InvalidMessageError as error:
        sys.exit(str(error))
