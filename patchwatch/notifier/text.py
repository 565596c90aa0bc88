"""The words of a message: templates in Jinja2's sandbox, and ours where a channel has none.

A template may still compute without end, so it is filled in a process that can be ended.
"""

from __future__ import annotations

from typing import Any

from jinja2 import ChainableUndefined, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from patchwatch.contract.errors import RejectedError
from patchwatch.notifier.protocol import MAX_TEXT, MAX_TITLE

TITLE = (
    "{% if notice == 'test' %}Patchwatch: a test"
    "{% elif notice == 'over' %}Over: {{ cameras | join(', ') }}"
    "{% else %}{{ alerts[0].words }}: {{ cameras | join(', ') }}{% endif %}"
)
BODY = (
    "{% if notice == 'test' %}This channel works: alerts will arrive here.{% endif %}"
    "{% for alert in alerts %}"
    "{{ alert.started }}  {{ alert.camera }}: {{ alert.words }}"
    "{% if alert.zones %} in {{ alert.zones | join(', ') }}{% endif %}"
    "{% if alert.peak_score is not none %}, score {{ '%.2f' | format(alert.peak_score) }}{% endif %}"
    "{% if notice == 'over' and alert.lasted_s is not none %}, lasted {{ alert.lasted_s }} s{% endif %}"
    "{% if alert.updates %}, rose {{ alert.updates }} times{% endif %}"
    "{% if alert.detail %}. {{ alert.detail }}{% endif %}\n"
    "{% if alert.generated %}Generated: {{ alert.generated }}\n{% endif %}"
    "{% endfor %}"
    "{% if more %}and {{ more }} more\n{% endif %}"
    "{% if link %}{{ link }}\n{% endif %}"
)
_LONGEST_ERROR = 300
# What an expression can raise, besides what it takes too much time or memory for.
_FAULTS = (
    TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip


def fill(template: str, ours: str, context: dict[str, Any], limit: int, *, strict: bool = False) -> str:
    """Raises `RejectedError` for a template that is wrong. ``strict``: also for a name that no message has; else such a
    name is empty. More than ``limit`` characters are cut."""
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined if strict else ChainableUndefined,
        autoescape=False,
    )
    parts: list[str] = []
    try:
        for part in environment.from_string(template or ours).generate(context):
            parts.append(part)
            if sum(map(len, parts)) > limit:
                break
    except _FAULTS as error:
        raise RejectedError(f"is no template that can be filled: {error}"[:_LONGEST_ERROR]) from None
    return "".join(parts)[:limit].strip()


def title_and_text(title: str, body: str, context: dict[str, Any], *, strict: bool = False) -> tuple[str, str]:
    """The two, the title on one line. Raises `RejectedError`, naming the one that is wrong."""
    named = []
    for name, template, ours, limit in (("title", title, TITLE, MAX_TITLE), ("body", body, BODY, MAX_TEXT)):
        try:
            named.append(fill(template, ours, context, limit, strict=strict))
        except RejectedError as error:
            raise RejectedError(f"{name}: {error}") from None
    return " ".join(named[0].split()), named[1]
