"""What the notebook starts from: a run, and pictures to look at."""

import numpy as np
import pandas as pd

from visionfail import data, profiles
from visionfail.data import ImageSet
from visionfail.risk.pictures import CLASSES
from visionfail.risk.sets import PARTS, UNSAFE, as_risk, risk_sets
from visionfail.studies.run import Run

STANDIN_UNSAFE = ("triangle", "star")
FEW = {"train": 1200, "val": 300, "test": 300}  # stand-ins


def prepare_risk(profile: str) -> tuple[Run, dict[str, tuple[str, ...]]]:
    """(a run whose sets are traffic signs, {part: the kind of each picture}).

    Stand-ins where no sign is on disk and the profile is quick.
    """
    chosen = profiles.get_profile(profile)
    if chosen.name == "full" or data.load_or_standin("gtsrb", "val").origin != "standin":
        parts, kinds = risk_sets("gtsrb")
    else:
        parts, kinds = _standins()
    run = Run(profile=chosen, sets=parts, origin="subset", stored=chosen.name == "quick")
    return run, kinds


def test_pictures(name: str) -> ImageSet | None:
    """The test pictures of "gtsrb" or "imagenette" as safe and unsafe; None: not on disk."""
    try:
        images = data.load(name, PARTS[name]["test"])
    except FileNotFoundError:
        return None
    relabelled, _ = as_risk(images, UNSAFE[name])
    return relabelled


def _standins() -> tuple[dict[str, ImageSet], dict[str, tuple[str, ...]]]:
    """Drawn shapes, two of them unsafe."""
    parts = {}
    kinds = {}
    for part, count in FEW.items():
        split = "heldout" if part == "test" else part
        drawn = data.load_or_standin("gtsrb", split).first(count)
        unsafe = tuple(name for name in STANDIN_UNSAFE if name in drawn.classes)
        parts[part], kinds[part] = as_risk(drawn, unsafe)
    return parts, kinds


def counts_table(parts: dict[str, ImageSet]) -> pd.DataFrame:
    """A row per part and class: pictures, groups, and the share of the part."""
    rows = []
    for part, images in parts.items():
        labels = images.labels.numpy()
        groups = images.group_numbers()
        for label, name in enumerate(CLASSES):
            chosen = labels == label
            row = {"part": part, "class": name, "pictures": int(chosen.sum())}
            row["groups"] = len(np.unique(groups[chosen]))
            rows.append({**row, "share": chosen.mean(), "origin": images.origin})
    return pd.DataFrame(rows)
