"""The images, built from the real Dockerfile and run as docker-compose.yml runs them, without Docker.

``python -m bench.images --base NAME --normal CLIP --test CLIP`` needs root, buildah, runc, ffmpeg and iproute2. The
base is fetched when it is left out; where no registry can be reached, name an image that buildah has. Writes
``bench/results/images.json``.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from bench.images.building import TARGETS, Store
from bench.images.compose_file import ROOT
from bench.images.trial import run_trial
from bench.measure import RESULTS, write

_LIMIT_MB = {"service": 400, "ingest": 400}
_H264 = ["-an", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"]


def main() -> int:
    asked = _arguments()
    with tempfile.TemporaryDirectory(dir=asked.work) as name:
        folder, store = Path(name), Store(asked.store)
        try:
            body = _measure(asked, store, folder)
        finally:
            store.close()
    write("images built without a daemon, and an installation run out of them", body, RESULTS / "images.json")
    too_large = {target: mb for target, mb in body["megabytes"].items() if mb > _LIMIT_MB.get(target, mb)}
    if too_large:
        print(f"too large: {too_large}, limits {_LIMIT_MB}")
    return bool(too_large)


def _measure(asked: argparse.Namespace, store: Store, folder: Path) -> dict[str, Any]:
    names = {target: store.build(target, asked.base, "cpu", tuple(asked.secret)) for target in asked.target or TARGETS}
    sizes = {target: store.size_mb(name) for target, name in names.items()}
    body: dict[str, Any] = {"base": asked.base, "base_megabytes": store.size_mb(asked.base), "megabytes": sizes}
    if asked.normal and asked.test:
        images = {target: store.mount(name) for target, name in names.items() if target != "all"}
        images["redis"] = store.mount(store.build_redis(asked.base, folder))
        normal, test = (_as_h264(asked.normal, folder / "normal.mp4"), _as_h264(asked.test, folder / "test.mp4"))
        body["installation"] = run_trial(images, normal, test, folder)
    return body


def _as_h264(clip: Path, place: Path) -> Path:
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-i", str(clip), *_H264, str(place)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
    return place


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default=_base(), help="image that stands for the Dockerfile's BASE")
    parser.add_argument("--target", action="append", choices=TARGETS, help="build only these")
    parser.add_argument("--secret", action="append", default=[], help="id=pip,src=FILE or id=uv,src=FILE")
    parser.add_argument("--normal", type=Path, help="recording that the camera is learnt from")
    parser.add_argument("--test", type=Path, help="recording that should raise an alert")
    parser.add_argument("--store", type=Path, default=ROOT / ".tools" / "images", help="where buildah keeps images")
    parser.add_argument("--work", type=Path, help="where the trial keeps its files")
    return parser.parse_args()


def _base() -> str:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    return next(line.removeprefix("ARG BASE=") for line in lines if line.startswith("ARG BASE="))


if __name__ == "__main__":
    raise SystemExit(main())
