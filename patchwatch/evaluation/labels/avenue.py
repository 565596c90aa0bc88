"""Labels as CUHK Avenue has them: one MATLAB file a clip, ``1_label.mat``, with a mask for each frame.

``volLabel`` is a cell array of masks, (1, frames); a frame with any pixel set is anomalous (Lu et al., ICCV 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels.labels import Labels, named_by_number
from workers.media.frame_folder import natural

_VARIABLE = "volLabel"
_ENDING = "_label"


def read(path: Path, clips: Sequence[str]) -> Labels:
    """A folder of such files, or one. ``1_label.mat`` is of the clip ``1`` or ``01``. Raises `RejectedError`."""
    files = _files(path)
    if not files:
        raise RejectedError(f"labels {path}: no .mat file there; name the folder with --labels")
    truths = {_clip(file): np.array([mask.any() for mask in _masks(file)], np.bool_) for file in files}
    return Labels.from_truths(path, named_by_number(truths, clips, path), "avenue")


def masks(path: Path, clip: str) -> list[NDArray[np.bool_]]:
    """The masks of one clip, bool (height, width) each, of labels that could be read. Raises `RejectedError`."""
    number = int(clip) if clip.isdecimal() else None
    for file in _files(path):
        name = _clip(file)
        if name == clip or (name.isdecimal() and int(name) == number):
            return _masks(file)
    raise RejectedError(f"labels {path}: no .mat file there is of clip {clip}; name the folder with --labels")


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.glob("*.mat"), key=lambda file: natural(file.name))


def _clip(file: Path) -> str:
    return file.stem.removesuffix(_ENDING)


def _masks(path: Path) -> list[NDArray[np.bool_]]:
    cells = np.squeeze(_variable(path))
    if cells.dtype == object:  # the cell array
        masks = [np.asarray(mask) for mask in np.atleast_1d(cells).ravel()]
    elif cells.ndim == 3:  # height, width, frames
        masks = list(np.moveaxis(cells, 2, 0))
    else:
        raise RejectedError(
            f"labels file {path}: {_VARIABLE} is {cells.dtype} {cells.shape}, not a mask for each frame"
        )
    if not all(np.issubdtype(mask.dtype, np.number) or mask.dtype == np.bool_ for mask in masks):
        raise RejectedError(f"labels file {path}: a cell of {_VARIABLE} holds no numbers")
    return [np.asarray(mask, np.bool_) for mask in masks]


def _variable(path: Path) -> NDArray[Any]:
    from scipy.io import loadmat

    try:
        tree = loadmat(path, variable_names=[_VARIABLE])
    except NotImplementedError:
        raise RejectedError(f"labels file {path} is of MATLAB 7.3: save it with `save -v7` again") from None
    except OSError as error:
        raise RejectedError(f"labels file {path}: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001  # scipy raises whatever its parser stumbles over
        raise RejectedError(f"labels file {path} is not a MATLAB file: {error}") from None
    if _VARIABLE not in tree:
        raise RejectedError(f"labels file {path} holds no variable {_VARIABLE}: is it of CUHK Avenue?")
    return np.asarray(tree[_VARIABLE])
