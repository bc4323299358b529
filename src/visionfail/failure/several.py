"""Several auditors at once, one core each: a single one is too small to be faster on more."""

from collections.abc import Iterable
from itertools import chain
from typing import cast

import joblib
import numpy as np

from visionfail.failure.auditor import Auditor, fit_auditor

FEWEST = 5000  # images from which training takes longer than starting a process

Task = tuple[np.ndarray, np.ndarray, int]  # latents (N, D), failed bool (N,), seed


def fit_several(tasks: Iterable[Task], *, processes: int | None = None) -> list[Auditor]:
    """An auditor for each (latents (N, D), failed (N,), seed), as `fit_auditor` makes it, in order.

    Equal to the bit whatever the number of `processes`: by default one for each core, and none
    beside this one where the first task has few images. Tasks may be made as they are asked for.
    Errors are those of `fit_auditor`.
    """
    waiting = iter(tasks)
    first = next(waiting, None)
    if first is None:
        return []
    if processes is None:
        processes = joblib.cpu_count() if len(first[0]) >= FEWEST else 1
    every = chain([first], waiting)
    if processes == 1:
        return [fit_auditor(latents, failed, seed=seed) for latents, failed, seed in every]
    jobs = (
        joblib.delayed(fit_auditor)(latents, failed, seed=seed) for latents, failed, seed in every
    )
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        at_once = joblib.Parallel(n_jobs=processes, max_nbytes=None)  # arrays that can be written
        return cast(list[Auditor], at_once(jobs))
