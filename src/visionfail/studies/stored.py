"""What was measured of each image, as one .npz: loaded, or computed and stored."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from visionfail import files, results

Arrays = dict[str, np.ndarray]


def load_or_compute(
    path: Path,
    compute: Callable[[], tuple[Arrays, dict]],
    *,
    identity: Mapping,
    fields: Sequence[str],
) -> tuple[Arrays, dict, str]:
    """(arrays, record, "loaded" | "computed"): from `path`, else computed and saved there.

    Loaded where `path` holds every one of `fields`, made on what `identity` says; `compute` gives
    arrays and the record of them, which has the identity in it. PermissionError, before anything is
    computed, where nothing can be saved.
    """
    if Path(path).exists():
        arrays, record = files.load_arrays(path)
        if results.matches(record, identity) and set(fields) <= set(arrays):
            return arrays, record, "loaded"
    files.check_writable(Path(path).parent, remedy=files.ELSEWHERE)
    arrays, record = compute()
    files.save_arrays(path, arrays, made=record)
    return arrays, record, "computed"
