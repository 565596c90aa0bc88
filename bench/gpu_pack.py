"""What `bench/gpu.sh` needs on a GPU machine that reaches no network: wheels, the data it measures on, the commit.

``python -m bench.gpu_pack`` fills ``.gpu`` (ignored by git; carry it along with the checkout): for a machine of x86-64
Linux with torch, torchvision, OpenCV, NumPy, SciPy and safetensors, and the Python that ``--python`` names.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from packaging.requirements import Requirement  # noqa: E402

from bench.measure import DATA  # noqa: E402
from patchwatch.evaluation.provenance import commit  # noqa: E402

PACK = ROOT / ".gpu"
PINS = ROOT / "requirements" / "test-clip.txt"
NEEDED = {  # by the models and their tests, and by bench/{gpu_probe,limits,engine,workers}.py
    "annotated-types", "av", "charset-normalizer", "ftfy", "hiredis", "hypothesis", "iniconfig", "open-clip-torch",
    "packaging", "platformdirs", "pluggy", "psutil", "pydantic", "pydantic-core", "pydantic-settings", "pygments",
    "pytest", "pytest-asyncio", "pytest-timeout", "python-dotenv", "pyyaml", "redis", "regex", "simplejpeg",
    "sortedcontainers", "threadpoolctl", "tqdm", "typing-extensions", "typing-inspection", "ultralytics",
    "ultralytics-platform", "ultralytics-thop", "wcwidth",
}  # fmt: skip
FILES = ("clips/one-by-one-person-detection.mp4", "weights/yolov5nu-rebuilt.pt")
PLATFORMS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_26", "manylinux_2_24", "manylinux_2_17", "manylinux2014",
             "manylinux_2_12", "manylinux2010", "manylinux_2_5", "manylinux1")  # fmt: skip
MOST_MB = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="3.12", help="version of Python on that machine")
    parser.add_argument("--data", type=Path, default=DATA)
    chosen = parser.parse_args()
    shutil.rmtree(PACK, ignore_errors=True)
    download(list(pins(chosen.python)), chosen.python)
    for name in FILES:
        (PACK / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(chosen.data / name, PACK / "data" / name)
    (PACK / "commit").write_text(f"{commit()}\n")
    size_mb = sum(path.stat().st_size for path in (PACK / "wheels").iterdir()) / 1e6
    print(f"{size_mb:.1f} MB of wheels in {PACK / 'wheels'}")
    if size_mb > MOST_MB:
        sys.exit(f"more than {MOST_MB} MB: leave some out of NEEDED")


def pins(python: str) -> Iterator[str]:
    """The pinned requirements of what is needed, for that version of Python."""
    there = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    for line in PINS.read_text().splitlines():
        pin = Requirement(line)
        if pin.name in NEEDED and (pin.marker is None or pin.marker.evaluate(there)):
            yield f"{pin.name}{pin.specifier}"


def download(requirements: list[str], python: str) -> None:
    """With pip in an environment of its own: that of the project has none."""
    platforms = [part for name in PLATFORMS for part in ("--platform", f"{name}_x86_64")]
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        command = [f"{folder}/bin/python", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--disable-pip-version-check", "--python-version", python, "--implementation", "cp", *platforms]
        subprocess.run([*command, "--dest", str(PACK / "wheels"), *requirements], check=True)


if __name__ == "__main__":
    main()
