"""anomalib's PatchCore, to compare with: it runs in an interpreter of its own, beside ours and in turns with it.

``make anomalib`` installs it, for the benchmarks only. Started as a program, this file is the other
side: it reads one JSON request a line and answers each with the seconds it took. The backbone has RANDOM weights: they
cost what trained ones cost.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

PYTHON = Path(__file__).parents[1] / ".tools" / "anomalib" / "bin" / "python"


class Anomalib:
    """The other interpreter. Fails with what it said when it ends."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, what: str, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"what": what, **request}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"anomalib ended with {self._process.wait()}: see above")
        return dict(json.loads(answer))


@contextmanager
def anomalib(threads: int) -> Iterator[Anomalib]:
    """Raises `FileNotFoundError` when it is not installed."""
    if not PYTHON.exists():
        raise FileNotFoundError(f"no {PYTHON}: run `make anomalib`, or leave the comparison out (--no-anomalib)")
    process = subprocess.Popen(
        [PYTHON, __file__, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"TQDM_DISABLE": "1"},
    )  # fmt: skip
    try:
        yield Anomalib(process)
    finally:
        process.kill()
        process.wait()


# The other side: only what anomalib's own environment holds ----------------------------------------------------------


class Programs:
    """PatchCore with anomalib's own settings."""

    def __init__(self) -> None:
        from anomalib.models.image.patchcore.lightning_model import Patchcore

        self._model = Patchcore(pre_trained=False)
        self._frames: list[bytes] = []

    def learn(self, folder: str) -> dict[str, Any]:
        """The JPEG pictures of a folder are normal."""
        self._model.train()
        self._embed(_jpegs(folder), size=4)
        self._model.model.subsample_embedding(self._model.coreset_sampling_ratio)
        self._model.eval()
        return {"vectors": list(self._model.model.memory_bank.shape)}

    def load(self, folder: str) -> dict[str, Any]:
        self._frames = _jpegs(folder)
        return {"frames": len(self._frames)}

    def score(self, size: int) -> dict[str, Any]:
        """From JPEG bytes to scores and anomaly maps, ``size`` frames at once."""
        self._embed(self._frames, size)
        return {}

    def _embed(self, jpegs: Sequence[bytes], size: int) -> None:
        import torch
        from torchvision.io import decode_jpeg

        bytes_of = [torch.frombuffer(bytearray(jpeg), dtype=torch.uint8) for jpeg in jpegs]
        with torch.inference_mode():
            for at in range(0, len(bytes_of), size):
                pictures = torch.stack(decode_jpeg(bytes_of[at : at + size]))
                self._model.model(self._model.pre_processor(pictures.float() / 255.0))


def _jpegs(folder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(Path(folder).glob("*.jpg"))]


def serve(threads: int, answers: TextIO) -> None:
    import torch

    torch.set_num_threads(threads)
    programs = Programs()
    for line in sys.stdin:
        request = json.loads(line)
        program: Callable[..., dict[str, Any]] = getattr(programs, request.pop("what"))
        start = time.perf_counter()
        answer = program(**request)
        print(json.dumps({"seconds": time.perf_counter() - start, **answer}), file=answers, flush=True)


if __name__ == "__main__":
    told = sys.stdout
    sys.stdout = sys.stderr  # progress bars and greetings
    serve(int(sys.argv[1]), told)
