"""Labels as ShanghaiTech Campus has them: one NumPy file a clip, ``01_0014.npy``, 0 or 1 for each frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels.labels import Labels, named_by_number
from workers.media.frame_folder import natural


def read(path: Path, clips: Sequence[str]) -> Labels:
    """A folder of such files, or one, named as the clips. Raises `RejectedError`."""
    files = [path] if path.is_file() else sorted(path.glob("*.npy"), key=lambda file: natural(file.name))
    if not files:
        raise RejectedError(f"labels {path}: no .npy file there; name the folder with --labels")
    truths = {file.stem: _truth(file) for file in files}
    return Labels.from_truths(path, named_by_number(truths, clips, path), "shanghaitech")


def _truth(path: Path) -> NDArray[np.bool_]:
    try:
        with path.open("rb") as file:
            flags = np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        raise RejectedError(f"labels file {path}: {error.strerror or error}") from None
    except (ValueError, MemoryError) as error:
        raise RejectedError(f"labels file {path} is not a NumPy array: {error}") from None
    if sum(side > 1 for side in flags.shape) > 1 or flags.size == 0:
        raise RejectedError(f"labels file {path} is of shape {flags.shape}, not one value a frame")
    if flags.dtype.kind not in "biuf":
        raise RejectedError(f"labels file {path} holds {flags.dtype}, not numbers")
    flat = flags.ravel()
    if not np.isin(flat, (0, 1)).all():
        raise RejectedError(f"labels file {path} holds values other than 0 and 1")
    return np.asarray(flat == 1)
