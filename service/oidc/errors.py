"""How a login at the provider ends otherwise. Messages hold no token, code or secret."""

from __future__ import annotations

from patchwatch.contract.errors import RetryableError
from service.problems.errors import ForbiddenError


class LoginRefusedError(ForbiddenError):
    """This login is over: begin another one, after what the message advises."""

    code = "login-refused"


class ProviderError(RetryableError):
    """The provider does not answer, or with what no login can be made of."""

    code = "provider-unavailable"
