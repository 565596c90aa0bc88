"""What a model answered, as text that may be shown: it is a stranger's."""

from __future__ import annotations

import json
import re
import unicodedata

from patchwatch.contract.errors import RejectedError
from patchwatch.messages.alerts.sentence import MAX_SENTENCE

_MOST_LOOKED_AT = 4000  # characters; a model that thinks aloud is cut off by the tokens that it may use
_END_OF_SENTENCE = re.compile("[.!?\u2026\u3002\uff01\uff1f][\"'\u2019\u201d\u00bb]?(?=\\s|$)")
_THOUGHT = "</think>"


def sentence_of(body: bytes) -> str:
    """The first sentence of a chat completion, on one line, without what is invisible or turns the direction of text.
    Raises `RejectedError` for an answer that holds none."""
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise RejectedError("the answer is no chat completion: does the address end with /v1?") from None
    if not isinstance(content, str):
        raise RejectedError("the answer holds no text")
    text = _plain(content[-_MOST_LOOKED_AT:].rpartition(_THOUGHT)[2])
    if not any(letter.isalnum() for letter in text):
        raise RejectedError("the answer holds no text")
    end = _END_OF_SENTENCE.search(text)
    first = text[: end.end()] if end else text
    return first if len(first) <= MAX_SENTENCE else f"{first[: MAX_SENTENCE - 1].rstrip()}…"


def _plain(text: str) -> str:
    kept = (" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in text)
    return " ".join("".join(letter for letter in kept if letter.isprintable()).split()).strip('"“” ')
