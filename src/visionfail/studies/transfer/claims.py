"""The claims about transfer learning, each with a statistic and a region (notes/claims.md).

All are exploratory: CIFAR-10's test images had been looked at often.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from visionfail import failure
from visionfail.claims import JUDGED, Claim
from visionfail.metrics import Estimate

THRICE = 3 / 45  # of 45 pairs of classes each would have 1/45 of the errors
RIGID = (0, 1, 8, 9)  # airplane, automobile, ship, truck
ORGANIC = (2, 3, 4, 5, 6, 7)
CAT, DOG = 3, 5
OTHER_ANIMALS = (2, 4, 6, 7)
# claims that compare recipes: of a single network of one the interval holds no spread of training
OF_RECIPES = ("D2b", "D3", "D4", "D9b", "D10a", "D10b", "D10c", "D10d", "D11", "D12", "D13")
ALONE = "a single training seed"  # ends the status of such a claim, which stays undecided
PAIRS = {"D6a": (CAT, DOG), "D6b": (0, 2), "D6c": (1, 9)}

TRANSFER_CLAIMS = (
    Claim(
        key="D1a",
        words="the minimum viable accuracy is reached",
        statistic="accuracy",
        low=0.65,
    ),
    Claim(key="D1b", words="the same by macro F1", statistic="macro F1", low=0.65),
    Claim(
        key="D2a",
        words="bicubic resizing preserves high-frequency details",
        statistic="log energy, upper half of the original's frequencies, bicubic minus bilinear",
        low=0.0,
    ),
    Claim(
        key="D2b",
        words="and that pays",
        statistic="validation accuracy of a frozen network at 128, bicubic minus bilinear",
        low=0.0,
    ),
    Claim(
        key="D3",
        words="freezing first prevents forgetting",
        statistic="accuracy, frozen phase first minus all layers at once",
        low=0.0,
    ),
    Claim(
        key="D4",
        words="one-cycle converges faster than a constant rate",
        statistic="accuracy after equal epochs, one triangle minus the best constant rate",
        low=0.0,
    ),
    Claim(
        key="D5",
        words="rigid objects are easier than organic ones",
        statistic="mean recall of four vehicles minus six animals",
        low=0.0,
    ),
    Claim(
        key="D6a",
        words="cat and dog are confused",
        statistic="share of the errors that take one for the other",
        low=THRICE,
    ),
    Claim(
        key="D6b",
        words="airplane and bird are confused",
        statistic="share of the errors that take one for the other",
        low=THRICE,
    ),
    Claim(
        key="D6c",
        words="automobile and truck are confused",
        statistic="share of the errors that take one for the other",
        low=THRICE,
    ),
    Claim(
        key="D7a",
        words="semantic overlap causes the errors",
        statistic="votes for the wrong answer minus mean votes for other wrong classes",
        low=0.0,
    ),
    Claim(
        key="D7b",
        words="and not the quality of the data",
        statistic="share whose label fewer than half of the people chose, errors minus all",
        high=0.05,
    ),
    Claim(
        key="D8a",
        words="Grad-CAM shows that it looks at the object",
        statistic="share of peaks on the object minus the object's share of the picture",
        low=0.0,
    ),
    Claim(
        key="D8b",
        words="the object and not the background carries the decision",
        statistic="accuracy, background of the class minus of another class",
        high=0.05,
    ),
    Claim(
        key="D8c",
        words="airplane and bird hang on the background",
        statistic="that gap of airplane and bird minus of the eight others",
        low=0.0,
    ),
    Claim(
        key="D9a",
        words="cat and dog hang on texture",
        statistic="right answers kept under 4 x 4 shuffled tiles, cat and dog minus other animals",
        low=0.0,
    ),
    Claim(
        key="D9b",
        words="CutMix forces shape",
        statistic="right answers kept under 4 x 4 shuffled tiles, baseline minus CutMix",
        low=0.0,
    ),
    Claim(key="D10a", words="CutMix helps", statistic="accuracy, CutMix minus baseline", low=0.0),
    Claim(key="D10b", words="MixUp helps", statistic="accuracy, MixUp minus baseline", low=0.0),
    Claim(
        key="D10c",
        words="a weighted loss helps the worst class",
        statistic="recall of the class worst on validation data, weighted minus baseline",
        low=0.0,
    ),
    Claim(
        key="D10d",
        words="hard examples help the most confused pair",
        statistic="mean recall of the pair most confused on validation data, minus baseline",
        low=0.0,
    ),
    Claim(
        key="D11",
        words="depth helps",
        statistic="accuracy from scratch at 64, ResNet-50 minus ResNet-18",
        low=0.0,
    ),
    Claim(
        key="D12",
        words="pre-training buys accuracy",
        statistic="accuracy at 64 on the same 10,000 images, fine-tuned minus from scratch",
        low=0.0,
    ),
    Claim(
        key="D13",
        words="pre-training buys robustness, not only accuracy",
        statistic="mean accuracy under the 15 corruptions over clean, minus ResNet-18's",
        low=0.0,
    ),
)

# what else would produce a claim's value, or what it does not say
CAVEATS = {
    "D2a": "the upper half of frequencies holds little energy",
    "D3": "training all at once trains two more stages, too",
    "D4": "weights are averaged over an epoch, which does what a falling rate is for",
    "D7a": "that people see something of the answer does not say why the network gives it",
    "D7b": "contested labels are a part of the errors, not all of them",
    "D8a": "who takes a photograph puts the object in the middle",
    "D8b": "seams differ, and a background may show a rest of its own object",
    "D8c": "the value is the mean of two classes",
    "D9a": "a class may keep its answers because most cut pictures are called by its name",
    "D9b": "CutMix has trained with straight seams and parts of objects",
    "D10a": "six epochs are short for mixed images",
    "D10b": "six epochs are short for mixed images",
    "D10c": "a class that is named more often gains recall and loses precision",
    "D11": "one network of each, from scratch",
    "D13": "one pre-trained network; pixels, stem and recipe differ, too",
}


@dataclass(frozen=True)
class Found:
    """A claim's value with its 95% interval, how many independent things, and which seeds.

    `by_seed` are the values of several seeds, where there are some.
    """

    value: float
    lo: float
    hi: float
    n: int
    seeds: str
    by_seed: tuple[float, ...] = ()

    @classmethod
    def of(cls, estimate: Estimate, *, n: int, seeds: Sequence[int]) -> "Found":
        """An estimate over n things and these seeds."""
        words = ", ".join(map(str, seeds))
        if len(seeds) > 1 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
            words = f"{seeds[0]} to {seeds[-1]}"
        by_seed = tuple(estimate.exact.tolist()) if len(seeds) > 1 else ()
        return cls(*estimate.interval(), n=n, seeds=words, by_seed=by_seed)


def judge_transfer(found: Mapping[str, Found], *, weights: str) -> pd.DataFrame:
    """A row per claim that was measured, with the columns JUDGED.

    A claim about recipes of which one has a single training seed is undecided, whatever its value.
    """
    rows = []
    for claim in TRANSFER_CLAIMS:
        if claim.key not in found:
            continue
        value = found[claim.key]
        row = claim.judge_interval(value.value, value.lo, value.hi)
        status = f"exploratory, weights {weights}"
        if claim.key in OF_RECIPES and value.seeds.isdigit():
            row["verdict"] = "undecided"
            status += f", {ALONE}"
        rows.append({**row, "n": value.n, "seed": value.seeds, "status": status})
    table = pd.DataFrame(rows)
    table["source"] = "working hypothesis"
    table["model"] = "imagenet_resnet18"
    return table.loc[:, list(JUDGED)]


def would_decide(found: Mapping[str, Found], judged: pd.DataFrame) -> list[str]:
    """For each row of `judge_transfer` what would decide it: "9 seeds", "more images", or "".

    The regions of claims of several seeds have one border.
    """
    words = []
    for row in judged.to_dict("records"):
        by_seed = found[row["claim"]].by_seed
        if row["verdict"] != "undecided" or not by_seed:
            words.append("")
            continue
        border = row["low"] if np.isfinite(row["low"]) else row["high"]
        seeds = failure.seeds_to_exclude(border, row, by_seed)
        words.append(f"{seeds} seeds" if seeds else "more images")
    return words
