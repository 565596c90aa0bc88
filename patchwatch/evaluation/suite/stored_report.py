"""A report file of either kind: of one evaluation, or of a suite."""

from __future__ import annotations

import json
from pathlib import Path

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.report.report import Report
from patchwatch.evaluation.suite.suite_report import SuiteReport, is_suite


def read_report(path: Path) -> Report | SuiteReport:
    """Raises `RejectedError` naming the file."""
    try:
        tree = json.loads(path.read_text())
        return SuiteReport.from_json(tree) if is_suite(tree) else Report.from_json(tree)
    except OSError as error:
        raise RejectedError(f"report {path}: {error.strerror}") from None
    except ValueError as error:
        raise RejectedError(f"{path} is not JSON: {error}") from None
    except RejectedError as error:
        raise RejectedError(f"{path} {error}") from None
