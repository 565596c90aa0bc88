"""The page of faults is what the record says, word for word."""

from __future__ import annotations

import json

from bench.faults import PAGE, RESULT, page, without_folders


def test_the_page_is_rendered_from_the_record() -> None:
    assert page(json.loads(RESULT.read_text())) == PAGE.read_text()


def test_the_record_names_no_folder_of_the_machine_it_was_made_on() -> None:
    folder = "/tmp/x/pytest-of-me/pytest-7/site0/data"
    said = f'"cannot be written to {folder}/banks/yard/motion.safetensors (why): /media/data"'
    assert without_folders(said) == '"cannot be written to DATA_DIR/banks/yard/motion.safetensors (why): /media/data"'
    assert "pytest-of-" not in RESULT.read_text()


def test_a_fault_that_failed_is_shown_as_failed() -> None:
    record = json.loads(RESULT.read_text())
    row = record["faults"][0] | {"passed": False, "failure": "not within 10 s"}
    assert "**failed**: not within 10 s" in page(record | {"faults": [row]})


def test_what_a_second_host_is_stands_where_it_has_rows() -> None:
    record = json.loads(RESULT.read_text())
    row = record["faults"][0] | {"group": "Hosts"}
    assert "network namespace" in page(record | {"faults": [row]})
    assert "network namespace" not in page(record | {"faults": [row | {"group": "Cameras"}]})
