"""What a provider says of itself (OpenID Connect Discovery 1.0, section 3)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.oidc.errors import ProviderError

# What is verified with a public key. `none`, and HS..., whose key would be the client's secret, are never accepted.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
_Url = Annotated[str, Field(max_length=2000)]
_Names = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=200)]


class ProviderMetadata(BaseModel):
    """The fields that a login needs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: _Url
    authorization_endpoint: _Url
    token_endpoint: _Url
    jwks_uri: _Url
    userinfo_endpoint: _Url | None = None
    token_endpoint_auth_methods_supported: _Names = ["client_secret_basic"]
    id_token_signing_alg_values_supported: _Names = ["RS256"]
    authorization_response_iss_parameter_supported: bool = False  # RFC 9207

    @property
    def algorithms(self) -> list[str]:
        """Those that both sides know."""
        return [name for name in ALGORITHMS if name in self.id_token_signing_alg_values_supported]

    @classmethod
    def checked(cls, document: dict[str, Any], issuer: str) -> ProviderMetadata:
        """Raises `ProviderError` for what no login can rely on."""
        try:
            metadata = cls.model_validate(document)
        except ValidationError as error:
            field = ".".join(str(part) for part in error.errors()[0]["loc"])[:100]
            raise ProviderError(
                f"the provider's discovery document is of no use ({field}): see whether PATCHWATCH_OIDC_ISSUER is an "
                "OpenID Connect provider"
            ) from None
        if metadata.issuer != issuer:
            raise ProviderError(
                f"the provider calls itself {metadata.issuer[:200]!r}: set PATCHWATCH_OIDC_ISSUER to exactly that, "
                "with or without the slash at its end, if it is the one you mean"
            )
        if not metadata.algorithms:
            raise ProviderError(
                "the provider signs with none of the algorithms that Patchwatch accepts: have it sign with RS256 or "
                "ES256"
            )
        return metadata
