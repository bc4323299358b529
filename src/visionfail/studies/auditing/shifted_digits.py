"""The digits that judges learn from and are judged on: which digit, under which shift, how strong,
all of it logged.
"""

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

PROBABILITY = 0.8  # of a shift at all
THIRDS = ("weak", "middle", "strong")  # of strength, cut at 1/3 and 2/3
UNSEEN = ("gaussian_blur", "contrast", "jpeg_compression", "pixelate")  # no judge learns from these


@dataclass(frozen=True, eq=False)
class ShiftedDigits:
    """Digits under drawn shifts: images uint8 (N, 1, H, W), labels (N,); digit (N,), its place in
    the set it is from; kind (N,), an index into SHIFTS or -1 for none of them; strength (N,) in [0,
    1].
    """

    images: Tensor
    labels: Tensor
    digit: np.ndarray
    kind: np.ndarray
    strength: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def at(self, index: np.ndarray) -> "ShiftedDigits":
        """Some of them: a mask (N,) or positions."""
        where = torch.from_numpy(np.flatnonzero(index) if index.dtype == bool else index)
        parts = (self.digit[index], self.kind[index], self.strength[index])
        return ShiftedDigits(self.images[where], self.labels[where], *parts)

    def log(self) -> pd.DataFrame:
        """A row a sample: digit, label, shift ("none" where there is none), strength, parameter in
        its unit.
        """
        names = np.array([*corruptions.SHIFTS, "none"])[self.kind]
        table = pd.DataFrame({"digit": self.digit, "label": self.labels.numpy(), "shift": names})
        table["strength"] = np.where(self.kind >= 0, self.strength, np.nan)
        for name in corruptions.SHIFTS:
            mine = table["shift"] == name
            table.loc[mine, "parameter"] = corruptions.parameter(name, table.strength[mine])
        return table


def draw_shifted(
    images: ImageSet,
    *,
    count: int,
    seed: int,
    probability: float = PROBABILITY,
    kinds: Sequence[str] = corruptions.SHIFTS,
) -> ShiftedDigits:
    """`count` draws, the digits in their order again and again; pass k over them draws from seed +
    k.
    """
    parts = []
    for k in range(-(-count // len(images))):
        n = min(len(images), count - k * len(images))
        kind, strength = corruptions.draw(n, probability=probability, kinds=kinds, seed=seed + k)
        shifted = corruptions.shift_drawn(images.images[:n], kind, strength, seed=seed + k)
        parts.append((shifted, images.labels[:n], torch.arange(n), kind, strength))
    shifted, labels, digit, kind, strength = (
        torch.cat(column) for column in zip(*parts, strict=True)
    )
    return ShiftedDigits(shifted, labels, digit.numpy(), kind.numpy(), strength.numpy())


def clean_digits(images: ImageSet) -> ShiftedDigits:
    """The digits as they are."""
    return draw_shifted(images, count=len(images), seed=0, probability=0)


def split_by_digit(sample: ShiftedDigits, *, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Two masks (N,): the draws of a stratified `share` of the digits, and those of the others; no
    digit in both.
    """
    digits, first = np.unique(sample.digit, return_index=True)
    order = data.stratified_order(sample.labels.numpy()[first])
    chosen = np.isin(sample.digit, digits[order[: round(share * len(digits))]])
    return chosen, ~chosen


def samples_to_score(images: ImageSet, *, seed: int) -> dict[str, ShiftedDigits]:
    """What judges are judged on: every digit clean, every digit in the mix, every digit under each
    shift.
    """
    found = {
        "clean": clean_digits(images),
        "mix": draw_shifted(images, count=len(images), seed=seed),
    }
    for k, name in enumerate(corruptions.SHIFTS):
        found[name] = draw_shifted(
            images, count=len(images), seed=seed + 1 + k, probability=1, kinds=[name]
        )
    return found


def slices_of(samples: dict[str, ShiftedDigits]) -> dict[str, tuple[str, np.ndarray]]:
    """{slice: (which sample, mask (N,))}: clean, mix, what is shifted in the mix, each shift, and
    each shift in thirds of strength ("rotation, weak").
    """
    everything = {
        name: (name, np.ones(len(sample), dtype=bool)) for name, sample in samples.items()
    }
    found = {
        "clean": everything["clean"],
        "mix": everything["mix"],
        "shifted": ("mix", samples["mix"].kind >= 0),
    }
    for name in corruptions.SHIFTS:
        found[name] = everything[name]
    for name in corruptions.SHIFTS:
        third = np.minimum((samples[name].strength * 3).astype(int), 2)
        found |= {f"{name}, {word}": (name, third == k) for k, word in enumerate(THIRDS)}
    return found


def unseen_samples(images: ImageSet, *, severity: int = 5) -> dict[str, ShiftedDigits]:
    """Digits as no judge has met them: every digit under each corruption of UNSEEN, and those of
    other writers and another scanner, scikit-learn's 8x8 ones.
    """
    found = {}
    for name in UNSEEN:
        changed = corruptions.corrupt(images.images, name, severity)
        found[name] = clean_digits(ImageSet(changed, images.labels, images.classes, images.origin))
    return found | {"8x8 digits": clean_digits(eight_by_eight())}


def eight_by_eight() -> ImageSet:
    """The 1,797 handwritten digits inside scikit-learn, 8x8 in 17 greys, enlarged to 20x20 and
    framed as MNIST frames its digits. Alpaydin and Kaynak 1998, doi:10.24432/C50P49.
    """
    pixels, labels = load_digits(return_X_y=True)
    small = torch.from_numpy(pixels).float().view(-1, 1, 8, 8) / 16
    large = interpolate(small, size=(20, 20), mode="bilinear", align_corners=False)
    framed = pad((large * 255).round().to(torch.uint8), (4, 4, 4, 4))
    return ImageSet(framed, torch.from_numpy(labels).long(), tuple("0123456789"), "official")
