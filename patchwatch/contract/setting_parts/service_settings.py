"""The settings of the service: a part of `patchwatch.contract.settings.Settings`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from patchwatch.contract.setting_parts import setting_values


class ServiceSettings(BaseSettings):
    """Where the service listens, and who may ask it."""

    host: str = Field("127.0.0.1", description="Address of the REST and WebSocket service.")
    port: int = Field(8080, ge=0, le=65535, description="Its port; 0: any free one.")
    api_token: SecretStr | None = Field(None, description="Bearer token of an admin; named ones: `patchwatch tokens`.")
    target_load: float = Field(
        0.7,
        ge=0.1,
        le=1,
        description="Share of what a worker can do that the demand for workers (`/api/v1/demand`) counts on.",
    )
    session_hours: float = Field(168.0, ge=0.1, le=720, description="Hours without use after which a login ends.")
    public_url: Annotated[str, AfterValidator(setting_values.check_page_address)] | None = Field(
        None,
        max_length=500,
        description="Address that browsers use, such as https://home.example/cams, with the path under which a proxy "
        "serves Patchwatch; webhooks link to it.",
    )
    trusted_proxies: Annotated[str, AfterValidator(setting_values.check_networks)] = Field(
        "127.0.0.0/8,::1", description="Networks, separated by ',', whose X-Forwarded-Prefix and -For are trusted."
    )
    websocket_heartbeat_s: float = Field(15.0, gt=0, description="Most seconds without a message on a WebSocket.")

    @property
    def public_path(self) -> str:
        """Path that browsers' addresses of the service begin with; empty without a proxy's path."""
        return urlsplit(self.public_url or "").path
