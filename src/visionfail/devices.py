"""The best device of this machine, and the precision that it is fast at."""

import contextlib
import platform
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

# VNNI and AMX of x86; dot products of ARM, by torch's name and by Linux's
INT8_INSTRUCTIONS = (
    "avx_vnni",
    "avx_vnni_int8",
    "avx512_vnni",
    "amx_int8",
    "dot",
    "asimddp",
    "i8mm",
)
CPUINFO = Path("/proc/cpuinfo")


def best_device() -> torch.device:
    """The device CUDA where there is one, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def fast_bf16(device: torch.device | str = "cpu") -> bool:
    """Whether the device computes bfloat16 in hardware: CUDA from Ampere on, CPUs with AMX or
    AVX-512 BF16.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    capabilities = _cpu_capabilities()
    return any(capabilities.get(name, False) for name in ("amx_bf16", "avx512_bf16", "bf16"))


def _cpu_capabilities() -> dict:
    """What torch knows of the CPU, by name; empty before torch 2.10, hence float32 there."""
    return getattr(torch.cpu, "get_capabilities", dict)()


def int8_instructions() -> tuple[str, ...]:
    """The CPU's own instructions for sums of int8 products, by name; () where it has none."""
    capabilities = _cpu_capabilities() or _cpu_flags()
    return tuple(name for name in INT8_INSTRUCTIONS if capabilities.get(name, False))


def _cpu_flags() -> dict[str, bool]:
    """What Linux says that the CPU has, each True; empty on other systems."""
    with contextlib.suppress(OSError):
        for line in CPUINFO.read_text(encoding="utf-8").splitlines():
            name, _, flags = line.partition(":")
            if name.strip() in ("flags", "Features"):  # x86's word and ARM's
                return dict.fromkeys(flags.split(), True)
    return {}


def autocast(
    device: torch.device | str, *, enabled: bool = True
) -> contextlib.AbstractContextManager:
    """A context of bfloat16 autocast where enabled and fast on the device, else an empty one.

    Other devices can compute in bfloat16 too, at a fraction of the speed.
    """
    device = torch.device(device)
    if enabled and fast_bf16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def in_precision(
    device: torch.device | str, dtype: torch.dtype
) -> contextlib.AbstractContextManager:
    """A context of autocast to `dtype` on the device, of none at all for float32."""
    kind = torch.device(device).type
    if dtype == torch.float32:
        return torch.autocast(kind, enabled=False)  # a caller's own would change the numbers
    return torch.autocast(kind, dtype)


@contextlib.contextmanager
def usual_defaults() -> Iterator[None]:
    """A block in which tensors are made in float32 and on the CPU, whatever the defaults around.

    Where these are the defaults already, nothing is set.
    """
    dtype = torch.get_default_dtype()
    elsewhere = torch.get_default_device().type != "cpu"
    here = torch.device("cpu") if elsewhere else contextlib.nullcontext()
    try:
        if dtype != torch.float32:
            torch.set_default_dtype(torch.float32)
        with here:
            yield
    finally:
        if dtype != torch.float32:
            torch.set_default_dtype(dtype)


@contextlib.contextmanager
def able_to_learn(device: torch.device | str = "cpu") -> Iterator[None]:
    """A block with gradients and `usual_defaults`, without the caller's autocast on `device`."""
    with (
        usual_defaults(),
        torch.inference_mode(False),
        torch.enable_grad(),
        _without_autocast(device),
    ):
        yield


def _without_autocast(device: torch.device | str) -> contextlib.AbstractContextManager:
    """A context in which the caller's autocast on the device, if there is one, is off.

    What an inner autocast has cast is kept until the outermost one ends, which would be after
    training: so nothing is kept here.
    """
    kind = torch.device(device).type
    if not torch.is_autocast_enabled(kind):
        return contextlib.nullcontext()
    return torch.autocast(kind, enabled=False, cache_enabled=False)


# where float64 is computed, and where backward passes were right with channels last all along
PROVEN = ("cpu", "cuda")
ONEDNN_BLOCK = 16  # channels that its kernels take at once, at most


def has_float64(device: torch.device | str) -> bool:
    """Whether the device computes in float64: MPS does not, and others often do not."""
    return torch.device(device).type in PROVEN


def memory_layout(device: torch.device | str) -> torch.memory_format:
    """How images and weights lie in memory on the device: channels last where that is fastest.

    Elsewhere contiguous: norms with channels last gave wrong gradients on MPS, or raised there
    (pytorch issues 134580 and 175189).
    """
    proven = torch.device(device).type in PROVEN
    return torch.channels_last if proven else torch.contiguous_format


def training_layout(model: nn.Module, device: torch.device | str) -> torch.memory_format:
    """How images and weights lie in memory while a network learns on the device.

    That of `memory_layout`, but contiguous on a CPU where a strided 1x1 convolution takes fewer
    than ONEDNN_BLOCK channels: with channels last its gradients come out wrong or the process dies
    where the batch does not divide among the threads (oneDNN issue 6035, torch 2.14).
    """
    if torch.device(device).type == "cpu" and any(map(_is_narrow_shortcut, model.modules())):
        return torch.contiguous_format
    return memory_layout(device)


def _is_narrow_shortcut(module: nn.Module) -> bool:
    """Whether it is a strided 1x1 convolution of few channels."""
    if not isinstance(module, nn.Conv2d) or module.kernel_size != (1, 1):
        return False
    return max(module.stride) > 1 and module.in_channels // module.groups < ONEDNN_BLOCK


def placed(model: nn.Module, device: torch.device | str | None = None) -> nn.Module:
    """The model itself, moved to the device, the best one by default, and laid out as it suits."""
    device = best_device() if device is None else torch.device(device)
    return model.to(device).to(memory_format=memory_layout(device))


@contextlib.contextmanager
def seeded(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """A block in which the global generators of the CPU and of `device` start from `seed`.

    Afterwards they are where they were; those of other devices are not touched.
    """
    device = torch.device(device)
    if device.type == "cpu":
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            yield
        return
    module = torch.get_device_module(device)
    with torch.random.fork_rng(devices=[device], device_type=device.type):
        torch.default_generator.manual_seed(seed)
        module.manual_seed(seed)
        yield


def describe_device(device: torch.device | str) -> str:
    """The device in words, for cards and benchmark tables.

    That is its name, and on a CPU also the cores and instructions in use.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return device.type
    bf16 = "bfloat16" if fast_bf16(device) else "no fast bfloat16"
    name = _cpu_capabilities().get("cpu_name", platform.machine())
    instructions = torch.backends.cpu.get_cpu_capability()
    threads = torch.get_num_threads()
    cores = "1 core" if threads == 1 else f"{threads} cores"
    return f"{name}, {cores}, {instructions}, {bf16}"
