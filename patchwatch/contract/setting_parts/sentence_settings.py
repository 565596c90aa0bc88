"""The settings of generated sentences: a part of `patchwatch.contract.settings.Settings`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from patchwatch.contract.setting_parts.setting_values import server_address

_check_server = server_address("http://127.0.0.1:11434/v1", "PATCHWATCH_SENTENCE_KEY")


class SentenceSettings(BaseSettings):
    """Without `sentence_url` nothing is generated, and no picture goes anywhere for it."""

    sentence_url: Annotated[str, AfterValidator(_check_server)] | None = Field(
        None,
        max_length=500,
        description="Server that writes a sentence about each anomaly from its picture, by OpenAI's API: Ollama as "
        "http://127.0.0.1:11434/v1, vLLM, or another. Pictures of your cameras are sent there.",
    )
    sentence_model: str | None = Field(
        None, max_length=100, validate_default=True, description="Model that is asked, one that sees pictures."
    )
    sentence_key: SecretStr | None = Field(None, description="Key that the server asks for.")
    sentence_language: str = Field(
        "English", pattern=r"^[^\W\d_][\w -]{0,39}$", description="Language of the sentences, by its English name."
    )
    sentence_timeout_s: float = Field(30.0, gt=0, le=300, description="Limit of one attempt.")
    sentences_per_minute: int = Field(
        10, ge=1, le=600, description="Most sentences asked for in a minute; further alerts get none."
    )

    @field_validator("sentence_model")
    @classmethod
    def _check_model(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("sentence_url") and not (value or "").strip():
            raise ValueError("is missing: name a model that the server of PATCHWATCH_SENTENCE_URL has")
        return value
