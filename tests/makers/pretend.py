"""A device that is none: tensors that say they are on it, hold CPU memory, and refuse to mix.

Real numbers flow, so code that looks at them runs; what an accelerator refuses, `.numpy()` and two
devices in one operation, raises. As `like_mps` it has no float64 and no channels last either. torch
before 2.10 has no accelerator in Python: then AVAILABLE is false.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from visionfail import devices
from visionfail.corruptions import chunks
from visionfail.evaluation import ahead
from visionfail.failure import auditor, passes
from visionfail.risk import experiments

NAME = "pretend"
SETUP = getattr(backend_registration, "_setup_privateuseone_for_python_backend", None)
AVAILABLE = SETUP is not None
aten = torch.ops.aten
COPIES = (aten._to_copy.default, aten.copy_.default)
INDEXED = (aten.index.Tensor, aten.index_put_.default)  # CUDA takes its indices from the CPU, too
IN_INFERENCE_MODE = (  # which wrappers of tensors refuse
    (auditor.Auditor, "score"),
    (experiments, "head_score"),
    (passes, "mc_dropout_score"),
)


class Backend:
    """What torch asks of an accelerator; it stays hidden from whoever looks for one."""

    def is_available(self) -> bool:
        return False

    def is_initialized(self) -> bool:
        return True

    def _is_in_bad_fork(self) -> bool:
        return False

    def device_count(self) -> int:
        return 0

    def current_device(self) -> int:
        return 0

    def manual_seed(self, seed: int) -> None:
        torch.default_generator.manual_seed(seed)  # which its operations draw from

    def manual_seed_all(self, seed: int) -> None:
        raise AssertionError("torch.manual_seed seeds the caller's accelerator, too")

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]

    def get_rng_state(self, device: torch.device) -> Tensor:
        return torch.default_generator.get_state()

    def set_rng_state(self, state: Tensor, device: torch.device) -> None:
        torch.default_generator.set_state(state)


@dataclass
class Rules:
    """What the device lets through, and what has come to it so far."""

    like_mps: bool = False
    arrivals: int = 0  # tensors copied from the CPU


RULES = Rules()


class Pretend(Tensor):
    """A CPU tensor that says it is on the device."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "Pretend":
        check_rules(held)
        made = Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            requires_grad=held.requires_grad,
            device=torch.device(NAME, 0),
        )
        made.held = held
        return made

    def __tensor_flatten__(self):
        return ["held"], None

    @staticmethod
    def __tensor_unflatten__(inner, *_):
        return Pretend(inner["held"])

    def __reduce_ex__(self, protocol):  # torch.save, read back with map_location="cpu"
        return self.held.detach().__reduce_ex__(protocol)

    def __repr__(self, **_) -> str:
        return f"Pretend{tuple(self.shape)}"

    def tolist(self):
        return self.held.tolist()

    def numpy(self, *, force=False):
        raise TypeError("can't convert a tensor of the device to numpy: .cpu() first")

    __array__ = numpy

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return dispatch(operation, args, kwargs or {})


def check_rules(held: Tensor) -> None:
    """Raises TypeError for what such a device cannot hold."""
    if RULES.like_mps and held.dtype in (torch.float64, torch.complex128):
        raise TypeError("the device has no float64")


def dispatch(operation, args, keywords):
    """The result of an operation of torch, which is on the device where an argument is."""
    tensors = [x for x in tree_leaves((args, keywords)) if isinstance(x, Tensor)]
    ours = [x for x in tensors if isinstance(x, Pretend)]
    device = keywords.get("device")
    there = bool(ours) if device is None else torch.device(device).type != "cpu"
    if there and operation not in COPIES:
        check_together(operation, args, keywords, tensors)
    if operation is aten.copy_.default:
        there = isinstance(args[0], Pretend)
    if there and operation in COPIES:
        RULES.arrivals += len(tensors) > len(ours)
    if device is not None:
        keywords = {**keywords, "device": torch.device("cpu")}
    args, keywords = tree_map(lambda x: x.held if isinstance(x, Pretend) else x, (args, keywords))
    out = operation(*args, **keywords)
    if not there:
        return out
    same = {id(x.held): x for x in ours}  # what is changed in place stays who it was
    return tree_map(lambda x: same.get(id(x), Pretend(x)) if isinstance(x, Tensor) else x, out)


def check_together(operation, args, keywords, tensors: list[Tensor]) -> None:
    """Raises RuntimeError for tensors of two devices in one operation, or a CPU's generator."""
    here = [tuple(x.shape) for x in tensors if not isinstance(x, Pretend) and x.ndim]
    if here and operation not in INDEXED:
        raise RuntimeError(f"{operation}: two devices, cpu tensors of shape {here}")
    if any(isinstance(x, torch.Generator) for x in tree_leaves((args, keywords))):
        raise RuntimeError(f"{operation}: a generator of the CPU")


class Everywhere(TorchDispatchMode):
    """Within it, tensors that are made on the device are made at all."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return dispatch(operation, args, kwargs or {})


class OneAfterTheOther:
    """A ThreadPoolExecutor without threads, which would not know the mode of their caller."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def __enter__(self) -> "OneAfterTheOther":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, function, values) -> list:
        return [function(value) for value in values]

    def submit(self, function, *arguments) -> Future:
        future = Future()
        future.set_result(function(*arguments))
        return future

    def shutdown(self, *, cancel_futures: bool) -> None:
        pass


@contextlib.contextmanager
def pretending(patch: pytest.MonkeyPatch, *, like_mps: bool) -> Iterator[torch.device]:
    """The device, which `devices.best_device` chooses for as long as the block runs."""
    if not hasattr(torch, NAME):
        SETUP(NAME, backend_module=Backend())
    place = torch.device(NAME, 0)
    plain = torch.tensor
    patch.setattr(torch, "tensor", lambda *a, device=None, **k: plain(*a, **k).to(device or "cpu"))
    patch.setattr(devices, "best_device", lambda: place)
    if not like_mps:
        patch.setattr(devices, "PROVEN", (*devices.PROVEN, NAME))
    layout = devices.memory_layout(place)
    patch.setattr(devices, "memory_layout", lambda device: layout)  # of the CPU too: equal sums
    patch.setattr(RULES, "like_mps", like_mps)
    for module in (chunks, ahead):
        patch.setattr(module, "ThreadPoolExecutor", OneAfterTheOther)
    for owner, name in IN_INFERENCE_MODE:
        patch.setattr(owner, name, torch.no_grad()(getattr(owner, name).__wrapped__))
    with Everywhere():
        yield place


@pytest.fixture(params=["like CUDA", "like MPS"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """The device, once as like CUDA as it can be and once like MPS; a module names it its own."""
    with pretending(monkeypatch, like_mps=request.param == "like MPS") as place:
        yield place
