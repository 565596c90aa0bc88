"""The product's ingest or inference worker with a simulated part: ``python -m bench.capacity.worker ROLE ...``.

The ingest worker captures simulated cameras; the inference worker has a stand-in engine. All else is theirs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.capacity.simulated_capture import SimulatedCapture
from bench.capacity.stand_in_engine import stand_in_engine
from models.engine.engine import Engine
from patchwatch.contract import logs
from patchwatch.contract.settings import Settings, load_settings
from workers.runtime.processes.parent_watch import stop_when_stdin_ends


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("ingest", "inference"))
    parser.add_argument("--frame-ms", type=float, default=0.0, help="of the stand-in engine")
    parser.add_argument("--threads-file", type=Path, required=True)
    chosen = parser.parse_args()
    settings = load_settings()
    logs.configure(settings.log_level, chosen.role)
    stop_when_stdin_ends()
    if chosen.role == "ingest":
        _run_ingest(settings, chosen.threads_file)
    else:
        _run_inference(settings, chosen.frame_ms)


def _run_ingest(settings: Settings, threads_file: Path) -> None:
    import workers.ingest.worker

    SimulatedCapture.threads_file = threads_file
    workers.ingest.supervisor.CameraCapture = SimulatedCapture  # type: ignore[assignment,attr-defined]
    workers.ingest.worker.run(settings)


def _run_inference(settings: Settings, frame_ms: float) -> None:
    import workers.inference.worker

    def load_engine(settings: Settings, profile: str) -> Engine:
        assert settings.profiles_file is not None
        return stand_in_engine(settings.profiles_file, frame_ms)

    workers.inference.engine_cache.load_engine = load_engine  # type: ignore[attr-defined]
    workers.inference.worker.run(settings)


if __name__ == "__main__":
    main()
