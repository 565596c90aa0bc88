"""One engine for two cameras that are shown the same pictures: each picture passes the networks once."""

from __future__ import annotations

from models.engine.engine import Engine
from models.frames.frame import Features
from models.streams.frame_batch import FrameBatch
from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import Settings
from workers.analysis.engine_loader import load_engine
from workers.inference.engine_cache import EngineCache


class SharedEngine(Engine):
    """Gives the features of its last picture again where it is shown that picture once more. Batches are of one frame.

    Features depend on the camera's frames alone, and both cameras are shown all of them, so they are those that an
    engine of its own would give.
    """

    _at_s: float | None = None
    _last: list[tuple[Features, ...]]

    @classmethod
    def of(cls, engine: Engine) -> SharedEngine:
        shared = cls.__new__(cls)
        shared.__dict__ = engine.__dict__
        return shared

    def features(self, batch: FrameBatch) -> list[tuple[Features, ...]]:
        [frame] = batch.frames
        if self._at_s != frame.at_s:
            self._last, self._at_s = super().features(batch), frame.at_s
        return self._last

    def forget(self) -> None:
        """The next picture is of other cameras."""
        self._at_s = None


class LoadedEngines(EngineCache):
    """An engine that is loaded already, in place of those that a worker loads in the background."""

    def __init__(self, settings: Settings, profile: str) -> None:
        super().__init__(settings)
        self.engine = SharedEngine.of(load_engine(settings, profile))

    def get(self, profile: str) -> Engine:
        if profile != self.engine.profile.name:
            raise ConfigurationError(f"{self.engine.profile.name} is loaded here, not {profile}")
        return self.engine
