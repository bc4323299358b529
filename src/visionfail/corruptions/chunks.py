"""A batch in chunks, each chunk on a thread of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

CHUNK = 128  # images: few enough for the processor's cache, enough to outweigh the cost of a call
ONE_AT_A_TIME = threading.Lock()  # the number of threads belongs to the whole process


def fill_in_chunks(images: Tensor, work: Callable[[Tensor, int], Tensor]) -> None:
    """Overwrite images[start : start + CHUNK] with work(that, start), for all starts.

    It runs on as many threads as torch has. Left alone, torch would split every single operation
    between its threads and wait for the slowest of them, a hundred times a chunk; where other
    programs want the processor as well, it then mostly waits (measured: ten times slower). So each
    operation gets one thread, and each thread whole chunks.
    """

    def fill(start: int) -> None:
        chunk = images[start : start + CHUNK]
        # a new thread does not know the mode of its caller
        with torch.inference_mode(images.is_inference()):
            chunk.copy_(work(chunk, start))

    starts = range(0, len(images), CHUNK)
    with ONE_AT_A_TIME:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with ThreadPoolExecutor(threads if images.device.type == "cpu" else 1) as pool:
                list(pool.map(fill, starts))  # list() hands on an exception of any of them
        finally:
            torch.set_num_threads(threads)
