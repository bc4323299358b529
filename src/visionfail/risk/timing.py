"""Milliseconds of several networks on the same pictures, one call of each after the other."""

import time
from collections.abc import Callable, Mapping

import numpy as np
from torch import Tensor

WARM_UP = 3  # calls of each before the clock runs


def milliseconds(
    networks: Mapping[str, Callable[[Tensor], object]], images: Tensor, *, repeats: int
) -> dict[str, np.ndarray]:
    """What a call with these images took, {network: (repeats,)} in milliseconds.

    The networks are called in turn, so that whatever else the machine does meets all of them. A
    call that counts follows one that does not, for the threads of the last network spin on a while.
    """
    for ask in networks.values():
        for _ in range(WARM_UP):
            ask(images)
    times = {name: np.empty(repeats) for name in networks}
    for k in range(repeats):
        for name, ask in networks.items():
            ask(images)
            start = time.perf_counter()
            ask(images)
            times[name][k] = 1000 * (time.perf_counter() - start)
    return times
