"""Which device there is, and what it is fast at."""

import contextlib
import platform

import torch


def best_device() -> torch.device:
    """CUDA where it is, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def fast_bf16(device: torch.device | str = "cpu") -> bool:
    """True where bfloat16 arithmetic is done in hardware: CUDA from Ampere on, and CPUs with AMX or
    AVX-512 BF16.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    capabilities = getattr(
        torch.cpu, "get_capabilities", dict
    )()  # new in torch 2.10; without it, stay in float32
    return any(capabilities.get(name, False) for name in ("amx_bf16", "avx512_bf16", "bf16"))


def autocast(
    device: torch.device | str, *, enabled: bool = True
) -> contextlib.AbstractContextManager:
    """bfloat16 autocast where it is enabled and the device is fast at it, else nothing: elsewhere
    it runs, at a fraction of the speed.
    """
    device = torch.device(device)
    if enabled and fast_bf16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def in_precision(
    device: torch.device | str, dtype: torch.dtype
) -> contextlib.AbstractContextManager:
    """Autocast to `dtype` on the device, or nothing where that is float32."""
    if dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(torch.device(device).type, dtype)


def describe_device(device: torch.device | str) -> str:
    """The device in words, for cards and benchmark tables: its name, and on a CPU its cores and
    instructions.
    """
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return device.type
    bf16 = "bfloat16" if fast_bf16(device) else "no fast bfloat16"
    name = getattr(torch.cpu, "get_capabilities", dict)().get("cpu_name", platform.machine())
    instructions = torch.backends.cpu.get_cpu_capability()
    return f"{name}, {torch.get_num_threads()} cores, {instructions}, {bf16}"
