"""The process that learns one bank: ``python -m workers.enrolment.learning.learning``, order on its input.

Each job has its own process, so that a file that does not answer, or a crash of a decoder, ends this job alone.
"""

from __future__ import annotations

import logging
import os
import sys

from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from patchwatch.contract import logs
from patchwatch.contract.errors import PatchwatchError
from patchwatch.contract.settings import Settings, load_settings
from workers.enrolment.learning.protocol import LearningOrder, LearningReport, ReportKind
from workers.enrolment.learning.reporter import Reporter
from workers.runtime.processes.parent_watch import stop_when_stdin_ends

log = logging.getLogger(__name__)


def learn(order: LearningOrder, settings: Settings, reporter: Reporter) -> Bank:
    """Learn the bank that is ordered. Raises what learning from its footage raises."""
    # Imported here: what is learnt from memory needs no decoder and no network.
    if order.memory is not None:
        from workers.enrolment.learning.memory_learning import learn_from_order

        return learn_from_order(order, settings, reporter)
    from workers.enrolment.learning.footage_learning import learn_from_footage

    return learn_from_footage(order, settings, reporter)


def main() -> None:
    """Entry point of the process: one order on standard input, reports on standard output."""
    reports = os.dup(1)
    os.dup2(2, 1)  # libraries print to standard output too, and must not get between the reports
    order = LearningOrder.decode(sys.stdin.buffer.readline())
    stop_when_stdin_ends()
    settings = load_settings()
    logs.configure(settings.log_level, "enrolment", settings.log_format)
    reporter = Reporter(reports)
    try:
        save_bank(learn(order, settings, reporter), order.staged)
    except PatchwatchError as error:
        reporter.end(LearningReport.from_error(error))
    except Exception as error:  # border: a defect fails the job
        log.exception("learning a bank for %s failed", order.camera_id)
        reporter.end(LearningReport.from_defect(error))
    else:
        reporter.end(LearningReport(kind=ReportKind.DONE, share=1.0))


if __name__ == "__main__":
    main()
