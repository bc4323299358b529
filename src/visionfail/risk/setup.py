"""What the notebook starts from: a run, and pictures to look at."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

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

    In quick nothing is downloaded: they are stand-ins where no sign is on disk.
    """
    chosen = profiles.get_profile(profile)
    full = chosen.name == "full"
    if full or data.is_present("gtsrb"):
        parts, kinds = risk_sets("gtsrb", download=full)
    else:
        parts, kinds = _standins()
    run = Run(profile=chosen, sets=parts, origin="subset", stored=chosen.name == "quick")
    return run, kinds


def sets_to_explore(run: Run, name: str) -> tuple[dict[str, ImageSet], dict[str, tuple[str, ...]]]:
    """({part: pictures}, {part: the kind of each}) of "gtsrb" or "imagenette".

    In quick the test pictures alone, and ({}, {}) where they are not on disk.
    """
    if run.profile.name == "full":
        return risk_sets(name)
    found = _test_part(name)
    return ({}, {}) if found is None else ({"test": found[0]}, {"test": found[1]})


def test_pictures(name: str) -> ImageSet | None:
    """The test pictures of "gtsrb" or "imagenette" as safe and unsafe; None: not on disk."""
    found = _test_part(name)
    return None if found is None else found[0]


def _test_part(name: str) -> tuple[ImageSet, tuple[str, ...]] | None:
    """(test pictures, the kind of each), None where they are not on disk."""
    try:
        images = data.load(name, PARTS[name]["test"])
    except FileNotFoundError:
        return None
    return as_risk(images, UNSAFE[name])


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


def kinds_table(parts: Mapping[str, ImageSet], kinds: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """A row per class and kind, over all parts: pictures and groups, the most first."""
    rows = []
    for part, images in parts.items():
        table = {"class": np.array(CLASSES)[images.labels.numpy()], "kind": kinds[part]}
        groups = [f"{part} {group}" for group in images.group_numbers()]
        rows.append(pd.DataFrame({**table, "group": groups}))
    counted = pd.concat(rows).groupby(["class", "kind"]).group.agg(["size", "nunique"])
    counted = counted.rename(columns={"size": "pictures", "nunique": "groups"}).reset_index()
    return counted.sort_values(["class", "pictures"], ascending=[True, False], ignore_index=True)


def copies_table(parts: Mapping[str, ImageSet]) -> pd.DataFrame:
    """A row per part: how many pictures have an equal, pixel for pixel, and where it is.

    Columns: in its class and part, in another class, in another part; one may count in several.
    """
    digests = []
    for part, images in parts.items():
        of_part = [sha256(image.numpy().tobytes()).digest() for image in images.images]
        digests.append(pd.DataFrame({"part": part, "label": images.labels, "digest": of_part}))
    every = pd.concat(digests, ignore_index=True)
    alike = every.groupby("digest")
    several = alike.label.transform("size") > 1
    same = every.groupby(["digest", "label", "part"]).digest.transform("size")
    every["in its class and part"] = same > 1
    every["in another class"] = several & (alike.label.transform("nunique") > 1)
    every["in another part"] = several & (alike.part.transform("nunique") > 1)
    columns = ["in its class and part", "in another class", "in another part"]
    rows = []
    for part, found in every.groupby("part", sort=False):
        rows.append({"part": part, **found[columns].sum().to_dict()})
    return pd.DataFrame(rows)
