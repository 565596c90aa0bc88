"""Whatever a model answers, one plain sentence is shown of it, or none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchwatch.contract.errors import RejectedError
from patchwatch.messages.alerts.sentence import MAX_SENTENCE
from workers.delivery.sentences.reply import sentence_of


def completion(content: object) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("A person lies at the gate.", "A person lies at the gate."),
        ('  "A dog runs, 2.5 m from the door." It is brown.\n', 'A dog runs, 2.5 m from the door."'),
        (
            "<think>The facts say gate. So.</think>\n\nA van is parked across the drive!",
            "A van is parked across the drive!",
        ),
        ("first line\nsecond line", "first line second line"),
        ("\x1b[31mred\x07 \u202egate\u200b\ufeff.", "[31mred gate."),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),  # text, wherever it is shown
    ],
)
def test_one_sentence_is_taken(content: str, sentence: str) -> None:
    assert sentence_of(completion(content)) == sentence


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"choices": []}', b'{"choices": [{"message": null}]}',
     completion(None), completion(["text"]), completion(" \n"), completion("..."), completion("<think>well.</think>")],
)  # fmt: skip
def test_an_answer_without_one_is_refused(body: bytes) -> None:
    with pytest.raises(RejectedError):
        sentence_of(body)


@given(st.text(max_size=400))
def test_what_is_taken_is_short_and_printable(content: str) -> None:
    try:
        sentence = sentence_of(completion(content))
    except RejectedError:
        return
    assert 0 < len(sentence) <= MAX_SENTENCE
    assert sentence.isprintable()
