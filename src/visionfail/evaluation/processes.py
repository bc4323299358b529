"""The processes that torchrun has started: whose share is whose, and waiting for one another.

Where torch.distributed is not initialised there is one process, which has all and waits for none.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TypeVar

from torch import distributed

T = TypeVar("T")


def share_of(items: Sequence[T]) -> list[T]:
    """Every so-manieth of `items`, another share for each process; all where there is one."""
    if not _are_several():
        return list(items)
    return list(items[distributed.get_rank() :: distributed.get_world_size()])


def wait_for_all() -> None:
    """Return once every process has come here."""
    if _are_several():
        distributed.barrier()


@contextlib.contextmanager
def first_alone() -> Iterator[None]:
    """A block that the first process has left before the others enter it."""
    first = not _are_several() or distributed.get_rank() == 0
    if not first:
        wait_for_all()
    yield
    if first:
        wait_for_all()


def _are_several() -> bool:
    """Whether this is one of several processes of a torchrun."""
    ready = distributed.is_available() and distributed.is_initialized()
    return ready and distributed.get_world_size() > 1
