"""The images of the next condition, made on a thread while those of one are predicted."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from visionfail.evaluation.outcomes import Condition

Make = Callable[[str, int], Any]  # name and severity of a condition -> its images


@contextmanager
def made_ahead(
    make: Make, next_of: Callable[[Condition], Condition | None], *, enabled: bool
) -> Iterator[Make]:
    """`make`, which where `enabled` begins with the next condition's images as it returns one's.

    `next_of(condition)` is the next one that will be asked for, None after the last. What making
    raises is raised when that condition is asked for. When the block ends nothing is being made.
    """
    if not enabled:
        yield make
        return
    pool = ThreadPoolExecutor(1)
    try:
        yield _Ahead(pool, _in_modes_of_caller(make), next_of).images
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass
class _Ahead:
    """A thread, and what it makes at present: at most one condition's images."""

    pool: ThreadPoolExecutor
    make: Make
    next_of: Callable[[Condition], Condition | None]
    begun: dict[Condition, Future] = field(default_factory=dict)

    def images(self, name: str, severity: int) -> Any:
        """The images of a condition; those of the next one are begun."""
        condition = (name, severity)
        future = self.begun.get(condition) or self.pool.submit(self.make, name, severity)
        made = future.result()
        following = self.next_of(condition)
        self.begun = {}
        if following is not None:
            self.begun[following] = self.pool.submit(self.make, *following)
        return made


def _in_modes_of_caller(make: Make) -> Make:
    """`make` for another thread, which does not know these modes of the thread that calls this."""
    inference = torch.is_inference_mode_enabled()
    gradients = torch.is_grad_enabled()
    device = torch.get_default_device()

    def make_there(name: str, severity: int) -> Any:
        with torch.inference_mode(inference), torch.set_grad_enabled(gradients), device:
            return make(name, severity)

    return make_there
