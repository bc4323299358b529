"""Settings of a caller's process that change what torch does where nothing is named."""

import contextlib

import torch


@contextlib.contextmanager
def default_dtype(dtype):
    """A block in which tensors are made of `dtype` where none is named."""
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


AROUND = {
    "float64": lambda: default_dtype(torch.float64),
    "float16": lambda: default_dtype(torch.float16),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "another device": lambda: torch.device("meta"),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
}


def compiles():
    """Whether torch.compile compiles a function here; afterwards it does."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    torch.compile(lambda numbers: numbers + 1, backend=backend)(torch.ones(1))
    torch.compiler.set_stance("default")  # the next test must not meet what this one left
    return bool(graphs)
