"""Random numbers that depend on (seed, name, severity, index of the image) and on nothing else.

A generator that is advanced image by image would give picture 7 other noise alone than in a batch.
So nothing is advanced here: draw number j of an image is a hash of the image's own key and of j (a
counter-based generator; the hash is splitmix64, Steele et al. 2014). A hash gives 64 bits, and
every draw takes 16 of them. Sixteen are enough for pictures of 8 bits, and small enough for tables:
a normal draw is looked up, not computed, so that it is the same on every device and in every batch
(logarithms and cosines differ in the last bit from one vector width to another).
"""

import functools
import hashlib

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

# 2^64 / golden ratio, as a signed number: torch has no arithmetic on uint64
STEP = 0x9E3779B97F4A7C15 - 2**64
MULTIPLIERS = (0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64)


def image_keys(
    name: str, severity: int, *, seed: int, first_index: int, count: int, device: torch.device
) -> Tensor:
    """One 64-bit key per image, int64 (count,), of the images first_index, first_index + 1, ..."""
    digest = hashlib.sha256(f"{seed} {name} {severity}".encode()).digest()
    stream = int.from_bytes(digest[:8], "little", signed=True)
    index = torch.arange(first_index, first_index + count, device=device)
    return scramble_(index.mul_(STEP).add_(stream))


def scramble_(z: Tensor) -> Tensor:
    """z with its 64 bits mixed in place by splitmix64: products wrap, shifts fill with zeros."""
    for shift, multiplier in zip((30, 27), MULTIPLIERS, strict=True):
        z.bitwise_xor_(zero_fill_shift(z, shift)).mul_(multiplier)
    return z.bitwise_xor_(zero_fill_shift(z, 31))


def zero_fill_shift(z: Tensor, shift: int) -> Tensor:
    """z >> shift with zeros moving in; torch's own shift on int64 repeats the sign bit."""
    return (z >> shift).bitwise_and_((1 << (64 - shift)) - 1)


def bits(keys: Tensor, count: int, *, skip: int = 0) -> Tensor:
    """`count` draws per image from 0 to 65535, int32 (N, count).

    `skip`, a multiple of four, leaves out the first draws, which are used elsewhere.
    """
    words = torch.arange(skip // 4 + 1, (skip + count + 3) // 4 + 1, device=keys.device).mul_(STEP)
    words = scramble_(keys[:, None] + words)
    return words.view(torch.int16)[:, :count].int().add_(32768)


def uniforms(keys: Tensor, count: int, *, skip: int = 0) -> Tensor:
    """`count` draws per image, uniform in (0, 1), float32 (N, count)."""
    return bits(keys, count, skip=skip).float().add_(0.5).div_(65536)


def normals(keys: Tensor, count: int, *, skip: int = 0) -> Tensor:
    """`count` draws per image, standard normal (the largest is 4.3), float32 (N, count)."""
    return look_up(normal_quantiles(keys.device), bits(keys, count, skip=skip))


def look_up(table: Tensor, index: Tensor) -> Tensor:
    """table[index], by the one of torch's ways that is quick on a CPU."""
    return table.index_select(0, index.reshape(-1)).view(index.shape)


@functools.cache
def normal_quantiles(device: torch.device) -> Tensor:
    """The quantiles of the standard normal at (k + 0.5) / 65536, float32 (65536,)."""
    return torch.from_numpy(ndtri((np.arange(65536) + 0.5) / 65536)).float().to(device)
