"""A server that speaks OpenAI's API for chat completions: Ollama, vLLM and others."""

from __future__ import annotations

import json
import ssl

from patchwatch.contract.errors import RejectedError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert
from workers.delivery.delivery_result import DeliveryResult, ResultKind
from workers.delivery.guarded_http import GuardedHttp, NoAnswerError
from workers.delivery.sentences.question import question
from workers.delivery.sentences.reply import sentence_of

_MOST_BYTES = 256 * 1024  # of an answer
_REACH = "loopback"  # the address is the installer's: all but metadata and link-local ones may be meant


class SentenceServer:
    """One connection at a time. Its key is in the header of a request alone."""

    def __init__(self, url: str, model: str, settings: Settings, tls: ssl.SSLContext) -> None:
        self.model = model
        self._url = f"{url}/chat/completions"
        self._settings = settings
        self._http = GuardedHttp(_REACH, settings.sentence_timeout_s, tls)

    async def close(self) -> None:
        await self._http.close()

    async def sentence(self, alert: Alert, camera: str, picture: bytes) -> str:
        """One attempt. Raises `NoAnswerError`, with a reason that holds no word of the answer."""
        settings = self._settings
        body = question(alert, camera, picture, self.model, settings.sentence_language)
        headers = {"content-type": "application/json", "accept": "application/json"}
        if settings.sentence_key is not None:
            headers["authorization"] = f"Bearer {settings.sentence_key.get_secret_value()}"
        content = json.dumps(body).encode()
        answer = await self._http.exchange("POST", self._url, headers, content, most_bytes=_MOST_BYTES)
        if not 200 <= answer.status < 300:
            raise NoAnswerError(_refusal(answer.status, answer.header(b"retry-after")))
        try:
            return sentence_of(answer.body)
        except RejectedError as error:
            raise NoAnswerError(DeliveryResult(ResultKind.FAILED, str(error))) from None


def _refusal(status: int, retry_after: str | None) -> DeliveryResult:
    remedies = {
        401: "the server refuses the key: correct PATCHWATCH_SENTENCE_KEY",
        403: "the server refuses the key: correct PATCHWATCH_SENTENCE_KEY",
        404: "the server has no such model or path: correct PATCHWATCH_SENTENCE_MODEL or PATCHWATCH_SENTENCE_URL",
    }
    if status in remedies:
        return DeliveryResult(ResultKind.REJECTED, f"HTTP {status}: {remedies[status]}")
    return DeliveryResult.from_status(status, retry_after)
