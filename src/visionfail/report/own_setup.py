"""What the notebook about anybody's model starts from: its images, in parts that share none."""

import re
from dataclasses import replace
from pathlib import Path

import torch

from visionfail import data, models, paths, profiles
from visionfail.data import ImageSet
from visionfail.profiles import Profile
from visionfail.studies.run import Run

MOST = {"quick": 800, "full": 10_000}  # images in all
MEASURED = 0.4  # share of the images that measure, at most so many as the caller says
LEARN = 0.5  # of the others: the auditor learns from them
CANDIDATES = 0.125  # of the others: they fix candidate thresholds; the rest chooses among them
TRAINED = {"quick": 1500, "full": 45_000}  # images that the demonstration is trained on
FEWEST = 100  # images of which the four parts can be made


def prepare_own_model(
    profile: str, *, model: str, dataset: str, side: int, measured: dict[str, int]
) -> Run:
    """A run on "cifar10", its test images, or on a folder of pictures with a folder per class.

    `model` is the name of the network, empty for the demonstration, which is trained on CIFAR-10
    and whose run has "train" and "val" too. `measured` says for quick and full how many images
    measure ("test"); the others are "learn", "candidates" and "threshold". A folder's pictures are
    brought to `side` pixels. What is written about a network of somebody's own lies in a folder of
    its own in runs/. ValueError for a folder without a model, or with too few pictures;
    FileNotFoundError for a network of somebody's own where only stand-ins are on disk; errors of
    `data.load` and `data.load_folder`.
    """
    chosen = profiles.get_profile(profile)
    if not model and dataset != "cifar10":
        raise ValueError(
            f"the demonstration network knows CIFAR-10's classes, not those of {dataset}: name a "
            "model of your own, module:function."
        )
    whole = _load(chosen, dataset, side)
    if model and whole.origin == "standin":
        raise FileNotFoundError(
            f"CIFAR-10 is not on disk, and drawn shapes say nothing of {model}: run make data, or "
            'set PROFILE = "full", which downloads it.'
        )
    if model:
        name = re.sub(r"\W+", "-", f"{model}-{Path(dataset).name}")
        chosen = replace(chosen, out=paths.RUNS / f"own-{name}")
    sets = own_parts(whole, most=MOST[chosen.name], measured=measured[chosen.name])
    if not model:
        cifar10 = models.cifar10_sets(chosen)
        sets["train"] = cifar10["train"].first(TRAINED[chosen.name])
        sets["val"] = cifar10["val"]
    return Run(profile=chosen, sets=sets, origin=sets["test"].origin)


def _load(profile: Profile, dataset: str, side: int) -> ImageSet:
    """All images of the set; CIFAR-10's are downloaded in full, and may be stand-ins in quick."""
    if dataset == "cifar10" and profile.name == "full":
        return data.load("cifar10", "test", download=True)
    if dataset == "cifar10":
        return data.load_or_standin("cifar10", "test")
    return data.load_folder(Path(dataset).expanduser(), side=side, origin="own")


def own_page(run: Run) -> Path:
    """Where the page of a run lies: in runs/, for it is not committed."""
    own = run.profile.out != profiles.get_profile(run.profile.name).out
    return (run.profile.out if own else run.profile.state.parent) / "own-model.html"


def own_parts(whole: ImageSet, *, most: int, measured: int) -> dict[str, ImageSet]:
    """{"test", "learn", "candidates", "threshold"}: parts of at most `most` images, none shared.

    Classes are in proportion in each. "test" has a share of MEASURED, at most `measured`.
    ValueError for fewer than FEWEST images.
    """
    order = torch.from_numpy(data.stratified_order(whole.labels.numpy()))[:most]
    if len(order) < FEWEST:
        raise ValueError(
            f"{len(order)} images: {FEWEST} or more are needed, for what measures, what the "
            "auditor learns from, and what sets its threshold."
        )
    test = min(measured, int(MEASURED * len(order)))
    learn = test + int(LEARN * (len(order) - test))
    candidates = learn + int(CANDIDATES * (len(order) - test))
    places = {
        "test": order[:test],
        "learn": order[test:learn],
        "candidates": order[learn:candidates],
        "threshold": order[candidates:],
    }
    return {name: whole.at(index) for name, index in places.items()}
