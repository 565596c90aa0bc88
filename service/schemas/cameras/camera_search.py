"""A search for cameras, and what was found, as the API takes and shows them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, SecretStr, StringConstraints

from patchwatch.nvr.search import FoundCamera, Place, SearchOrder
from service.schemas.request import RequestBody

_Short = Annotated[str, StringConstraints(max_length=200)]


class NewSearch(RequestBody):
    """Where to look."""

    place: Place = Field(description="`network`: ONVIF cameras that answer in the local network.")
    address: Annotated[str, StringConstraints(max_length=2000, pattern=r"^\S*$")] = Field(
        "",
        description="Of Frigate or go2rtc, like `http://nvr:5000`. In the network: one machine to ask, instead of all.",
        examples=["http://nvr:5000"],
    )
    user: _Short = Field("", description="The cameras' user: it is tried once. Without it, cameras are only named.")
    password: SecretStr = Field(SecretStr(""), max_length=200)
    wait_s: float = Field(3.0, ge=0.5, le=10, description="Seconds to wait for answers.")

    def order(self) -> SearchOrder:
        return SearchOrder(
            place=self.place, address=self.address, user=self.user, password=self.password.get_secret_value(),
            wait_s=self.wait_s,
        )  # fmt: skip


class FoundCameraView(BaseModel):
    """A camera that can be added, or why it cannot."""

    name: str = Field(examples=["Back yard"])
    id: str = Field(description="That it would get.", examples=["back-yard"])
    known: bool = Field(description="Whether a camera of this id is there already.")
    source: str | None = Field(
        description="Without user and password; null: it cannot be added.", examples=["rtsp://192.168.1.7/live/sub"]
    )
    signed: bool = Field(description="Whether user and password belong into its source.")
    reason: str = Field(description="Why it cannot be added, and what to do.")
    zones: list[dict[str, Any]] = Field(description="As `POST /cameras` takes them.")

    @classmethod
    def from_found(cls, camera: FoundCamera, *, known: bool) -> Self:
        return cls(**camera.model_dump(), known=known)


class FoundCameras(BaseModel):
    """What was found."""

    cameras: list[FoundCameraView]
