"""The classifiers that studies examine: loaded where a checkpoint is, else trained, with a card."""

from collections.abc import Sequence

from torch import nn

from visionfail import data, devices, files, paths
from visionfail.data import ImageSet
from visionfail.models import checkpoints, recipes
from visionfail.models.rounds import load_or_train_rounds
from visionfail.profiles import Profile


def checkpoint_name(dataset: str, arch: str, recipe: str, seed: int) -> str:
    """The name of a checkpoint: <dataset>-<arch>-<recipe>-s<seed>."""
    return f"{dataset}-{arch}-{recipe}-s{seed}"


def cifar10_sets(profile: Profile) -> dict[str, ImageSet]:
    """{"train", "val", "test"} of CIFAR-10 as the profile wants them.

    full: the official sets, downloaded where they are missing. quick: real images where they are on
    disk already, else drawn stand-ins; few of them, which `origin` says.
    """
    sizes = {"train": 4000, "val": 500, "test": profile.test_images}  # of quick
    sets = {}
    for split, size in sizes.items():
        if profile.name == "full":
            sets[split] = data.load("cifar10", split, download=True)
        else:
            sets[split] = data.load_or_standin("cifar10", split).first(size)
    return sets


def available_networks(sets: dict[str, ImageSet]) -> list[tuple[str, int]]:
    """(arch, seed) of the networks that `cifar10_classifier` loads: those with weights.

    On stand-ins it is ResNet-18 seed 0 alone.
    """
    if sets["test"].origin == "standin":
        return [recipes.EXAMINED]
    return _networks(".safetensors")


def _networks(suffix: str) -> list[tuple[str, int]]:
    """(arch, seed) of the standard recipe's cards in models/ that have a file with this suffix.

    EXAMINED comes first, then its other seeds, then others.
    """
    networks_there = []
    for description in paths.MODELS.glob("cifar10-*.json"):
        card = checkpoints.read_card(description)
        if card.get("recipe") == "standard" and description.with_suffix(suffix).exists():
            with files.reading(description, remedy=checkpoints.RESTORE):
                networks_there.append((card["arch"], card["rounds"][0]["seed"]))
    examined_arch, _ = recipes.EXAMINED
    return sorted(networks_there, key=lambda network: (network[0] != examined_arch, network))


def trained_networks() -> list[dict]:
    """A row per network with a card in models/, whether its weights are there or not.

    Columns: arch, seed, epochs, val (accuracy), looks (how often test images were looked at), and
    test, lo, hi, n: accuracy on test images with its Wilson interval.
    """
    rows = []
    for arch, seed in _networks(".json"):
        committed = paths.MODELS / checkpoint_name("cifar10", arch, "standard", seed)
        _, description = checkpoints.checkpoint_files(committed)
        card = checkpoints.read_card(description)
        with files.reading(description, remedy=checkpoints.RESTORE):
            rows.append({"arch": arch, "seed": seed, **_trained_as(card)})
    return rows


def _trained_as(card: dict) -> dict:
    """The columns of `trained_networks` that a card holds."""
    test = card["accuracy"]["test"]
    return {
        "epochs": len(card["history"]),
        "val": card["accuracy"]["val"]["value"],
        "looks": card["test_looks"]["count"],
        "test": test["value"],
        "lo": test["lo"],
        "hi": test["hi"],
        "n": test["n"],
    }


def cifar10_classifier(
    profile: Profile, sets: dict[str, ImageSet], *, arch: str, seed: int, retrain: bool = False
) -> tuple[nn.Module, dict, str]:
    """(model, card, "loaded" | "trained"): a reference network on the best device, in eval mode.

    The quick profile takes the committed checkpoint where the images are real; on stand-ins it
    trains a narrow one. With `retrain` it is trained anew by the profile's recipe, in runs/: a
    committed checkpoint is never overwritten. ValueError in full where it is of another recipe.
    """
    committed = paths.MODELS / checkpoint_name("cifar10", arch, "standard", seed)
    weights, _ = checkpoints.checkpoint_files(committed)
    real = sets["test"].origin != "standin"
    if profile.name == "quick" and real and weights.exists() and not retrain:
        model, card = checkpoints.load_checkpoint(committed)
        return devices.placed(model), card, "loaded"
    recipe = "standard" if profile.name == "full" else "quick"
    folder = profile.state.parent / "retrained" if retrain else profile.models
    return load_or_train_rounds(
        folder / checkpoint_name("cifar10", arch, recipe, seed),
        sets,
        arch=arch,
        width=64 if profile.name == "full" else recipes.QUICK_WIDTH[arch],
        rounds=recipes.rounds_for(profile.name, arch, seed),
        recipe=recipe,
        state=profile.state,
        retrain=retrain,
        keep=profile.name == "full" and not retrain,
    )


def grouped_sets(dataset: str) -> dict[str, ImageSet]:
    """All splits of a set, such as "svhn10k" or "gtsrb", downloaded where they are missing."""
    return {split: data.load(dataset, split, download=True) for split in data.SPLITS[dataset]}


def sets_of_profile(
    profile: Profile, dataset: str, splits: Sequence[str] = ("test",)
) -> dict[str, ImageSet]:
    """The sets of `grouped_sets` in full; in quick these splits, or {} where they are not on disk.

    Nothing is downloaded in quick.
    """
    if profile.name == "full":
        return grouped_sets(dataset)
    if not data.is_present(dataset):
        return {}
    return {split: data.load(dataset, split) for split in splits}


def grouped_classifier(
    profile: Profile, dataset: str, sets: dict[str, ImageSet], *, seed: int
) -> tuple[nn.Module, dict, str]:
    """(model, card, "loaded" | "trained"): ResNet-18 on "svhn10k", "gtsrb" or "svhn".

    It is trained on sets["train"] and watched on sets["val"]. A card written by training carries
    validation accuracy only: the test data of these sets are kept for the study of uneven errors.
    ValueError where a checkpoint of another recipe is there: it is not trained over.
    """
    return load_or_train_rounds(
        paths.MODELS / checkpoint_name(dataset, "resnet18", "standard", seed),
        {split: sets[split] for split in ("train", "val")},
        dataset=dataset,
        arch="resnet18",
        width=64,
        rounds=recipes.seeded_rounds(recipes.RECIPES[dataset], seed),
        recipe="standard",
        state=profile.state,
        retrain=False,
        keep=True,
    )
