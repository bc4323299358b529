"""Digits under drawn shifts, to train and to test detectors on, with a log of every draw."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn.functional import interpolate, pad

from visionfail import corruptions, data
from visionfail.data import ImageSet

PROBABILITY = 0.8  # that a draw is shifted at all
THIRDS = ("weak", "middle", "strong")  # of strength, cut at 1/3 and 2/3
UNSEEN = ("gaussian_blur", "contrast", "jpeg_compression", "pixelate")  # no detector learns them


@dataclass(frozen=True, eq=False)
class ShiftedDigits:
    """N draws of digits: the shifted images, their labels, and what was drawn."""

    images: Tensor  # uint8 (N, 1, H, W)
    labels: Tensor  # int64 (N,)
    digit: np.ndarray  # (N,), the place of the digit in the set that it is from
    kind: np.ndarray  # (N,), an index into corruptions.SHIFTS, or -1 for no shift
    strength: np.ndarray  # (N,), in [0, 1]

    def __len__(self) -> int:
        """The number of draws."""
        return len(self.images)

    def at(self, index: np.ndarray) -> "ShiftedDigits":
        """The draws at `index`, a mask (N,) or positions."""
        places = torch.from_numpy(np.flatnonzero(index) if index.dtype == bool else index)
        return ShiftedDigits(
            images=self.images[places],
            labels=self.labels[places],
            digit=self.digit[index],
            kind=self.kind[index],
            strength=self.strength[index],
        )

    def log(self) -> pd.DataFrame:
        """A row per draw: digit, label, shift or "none", strength, and parameter in its unit.

        Strength and parameter are NaN where there is no shift.
        """
        names = np.array([*corruptions.SHIFTS, "none"])[self.kind]
        table = pd.DataFrame({"digit": self.digit, "label": self.labels.numpy(), "shift": names})
        table["strength"] = np.where(self.kind >= 0, self.strength, np.nan)
        for name in corruptions.SHIFTS:
            is_shift = table["shift"] == name
            strength = table.strength[is_shift]
            table.loc[is_shift, "parameter"] = corruptions.parameter(name, strength)
        return table


def draw_shifted(
    images: ImageSet,
    *,
    count: int,
    seed: int,
    probability: float = PROBABILITY,
    kinds: Sequence[str] = corruptions.SHIFTS,
) -> ShiftedDigits:
    """`count` draws, which go through the digits in their order again and again.

    Pass k over the digits, from 0 on, draws its shifts from seed + k.
    """
    passes = []
    for k in range(math.ceil(count / len(images))):
        n = min(len(images), count - k * len(images))
        passes.append(_draw_pass(images, n, probability=probability, kinds=kinds, seed=seed + k))
    return ShiftedDigits(
        images=torch.cat([draws.images for draws in passes]),
        labels=torch.cat([draws.labels for draws in passes]),
        digit=np.concatenate([draws.digit for draws in passes]),
        kind=np.concatenate([draws.kind for draws in passes]),
        strength=np.concatenate([draws.strength for draws in passes]),
    )


def _draw_pass(
    images: ImageSet, n: int, *, probability: float, kinds: Sequence[str], seed: int
) -> ShiftedDigits:
    """One draw of each of the first n digits."""
    kind, strength = corruptions.draw(n, probability=probability, kinds=kinds, seed=seed)
    return ShiftedDigits(
        images=corruptions.shift_drawn(images.images[:n], kind, strength, seed=seed),
        labels=images.labels[:n],
        digit=np.arange(n),
        kind=kind.numpy(),
        strength=strength.numpy(),
    )


def clean_digits(images: ImageSet) -> ShiftedDigits:
    """Every digit once, without a shift."""
    return draw_shifted(images, count=len(images), seed=0, probability=0)


def split_by_digit(sample: ShiftedDigits, *, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Two masks (N,): the draws of a stratified `share` of the digits, and those of the others.

    No digit is in both.
    """
    digits, first_draw = np.unique(sample.digit, return_index=True)
    order = data.stratified_order(sample.labels.numpy()[first_draw])
    chosen_digits = digits[order[: round(share * len(digits))]]
    chosen = np.isin(sample.digit, chosen_digits)
    return chosen, ~chosen


def samples_to_score(images: ImageSet, *, seed: int) -> dict[str, ShiftedDigits]:
    """The samples that detectors are tested on: every digit clean, in the mix, under each shift."""
    count = len(images)
    samples = {"clean": clean_digits(images), "mix": draw_shifted(images, count=count, seed=seed)}
    for k, name in enumerate(corruptions.SHIFTS, start=1):
        samples[name] = draw_shifted(
            images, count=count, seed=seed + k, probability=1, kinds=[name]
        )
    return samples


def slices_of(samples: dict[str, ShiftedDigits]) -> dict[str, tuple[str, np.ndarray]]:
    """{slice: (name of its sample, mask (N,))}.

    The slices are clean, mix, what is shifted in the mix, the same without one of the shifts, each
    shift, and each shift in thirds of strength ("rotation, weak").
    """
    slices = {}
    for name in ("clean", "mix"):
        slices[name] = (name, _all_of(samples[name]))
    kind = samples["mix"].kind
    slices["shifted"] = ("mix", kind >= 0)
    for number, name in enumerate(corruptions.SHIFTS):
        slices[f"shifted without {name}"] = ("mix", (kind >= 0) & (kind != number))
    for name in corruptions.SHIFTS:
        slices[name] = (name, _all_of(samples[name]))
    for name in corruptions.SHIFTS:
        third = np.minimum((samples[name].strength * 3).astype(int), 2)  # (N,), 0 to 2
        for number, word in enumerate(THIRDS):
            slices[f"{name}, {word}"] = (name, third == number)
    return slices


def _all_of(sample: ShiftedDigits) -> np.ndarray:
    """The mask (N,) of all draws."""
    return np.ones(len(sample), dtype=bool)


def unseen_samples(images: ImageSet, *, severity: int = 5) -> dict[str, ShiftedDigits]:
    """Samples unlike those that detectors learn from: every digit under the corruptions of UNSEEN.

    Last come, as "8x8 digits", scikit-learn's, by other writers and from another scanner.
    """
    samples = {}
    for name in UNSEEN:
        changed = corruptions.corrupt(images.images, name, severity)
        corrupted = ImageSet(changed, images.labels, images.classes, images.origin)
        samples[name] = clean_digits(corrupted)
    samples["8x8 digits"] = clean_digits(eight_by_eight())
    return samples


def eight_by_eight() -> ImageSet:
    """The 1,797 handwritten digits in scikit-learn, uint8 (1797, 1, 28, 28), framed as in MNIST.

    They are 8x8 in 17 greys and are enlarged to 20x20. Alpaydin and Kaynak 1998,
    doi:10.24432/C50P49.
    """
    pixels, labels = load_digits(return_X_y=True)
    small = torch.from_numpy(pixels).float().view(-1, 1, 8, 8) / 16
    large = interpolate(small, size=(20, 20), mode="bilinear", align_corners=False)
    framed = pad((large * 255).round().to(torch.uint8), (4, 4, 4, 4))
    return ImageSet(framed, torch.from_numpy(labels).long(), tuple("0123456789"), "official")
