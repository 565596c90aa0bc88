"""A program that the service asks is ended when it takes too long, and answers for itself alone."""

from __future__ import annotations

import os

import pytest

from patchwatch.contract.errors import RetryableError
from service.child_program import answer_of


async def test_a_program_reads_its_question_and_answers() -> None:
    assert await answer_of(["base64", "-e", "-"], os.environ, within_s=60, question=b"cameras?") == b"Y2FtZXJhcz8=\n"


async def test_one_that_hangs_is_ended_and_one_that_says_nothing_is_no_answer() -> None:
    with pytest.raises(RetryableError, match="took longer than 1 s and was ended"):
        await answer_of(["timeit", "-n1", "import time; time.sleep(600)"], os.environ, within_s=1)
    with pytest.raises(RetryableError, match="without an answer"):
        await answer_of(["json.tool", "/nowhere"], os.environ, within_s=60, question=bytes(2_000_000))
