"""How often a drift check raises an alarm: on unchanged pictures, on worse ones, on rarer ones."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from visionfail import corruptions, metrics
from visionfail.data import ImageSet
from visionfail.models.features import Features
from visionfail.models.transfer import features_on_device
from visionfail.risk.drift import Reference, check_drift, one_per_group, reference_of
from visionfail.risk.experiments import head_score
from visionfail.risk.saved import Classifier

# conditions whose batches are checked; clean ones count false alarms
DRIFTED = (
    ("clean", 0),
    ("brightness", 3),
    ("contrast", 3),
    ("gaussian_noise", 1),
    ("gaussian_noise", 3),
    ("pixelate", 3),
)
RARE = 0.01  # the share of unsafe pictures where a classifier may work
# {condition: whether the reference is made as rare}; the pictures themselves are unchanged
RARER = {"1% unsafe": False, "1% unsafe, reference too": True}


@dataclass(frozen=True, eq=False)
class Pool:
    """Pictures that batches are drawn from: features (N, F), score, labels and groups (N,)."""

    features: np.ndarray
    score: np.ndarray
    labels: np.ndarray
    groups: np.ndarray

    def one_per_group(self, generator: np.random.Generator, *, rare: bool) -> np.ndarray:
        """The places of one picture of each group, in random order.

        Where `rare` so few unsafe ones are among them that their share is RARE in the mean.
        """
        every = generator.permutation(one_per_group(self.groups, generator))
        if not rare:
            return every
        is_unsafe = self.labels[every] == 1
        safe = every[~is_unsafe]
        few = generator.binomial(len(safe), RARE / (1 - RARE))
        return generator.permutation(np.concatenate([safe, every[is_unsafe][:few]]))

    def reference(self, chosen: np.ndarray, *, components_of: np.ndarray) -> Reference:
        """The reference that the pictures at places `chosen` are."""
        features, score = self.features[chosen], self.score[chosen]
        return reference_of(features, score, components_of=components_of)


def pool_of(features: Features, head: nn.Module, images: ImageSet) -> Pool:
    """The pool of pictures by their features and a head on the CPU."""
    score = head_score(head, features.images)
    return Pool(features.images.numpy(), score, images.labels.numpy(), images.group_numbers())


def alarm_rows(
    reference: Reference,
    pool: Pool,
    generator: np.random.Generator,
    *,
    batches: Sequence[int],
    repeats: int,
    rare: bool = False,
) -> list[dict]:
    """A row per batch size: size, alarms (the share of `repeats` batches), lo, hi (Wilson), n.

    Sizes that the pool's groups do not fill are left out.
    """
    rows = []
    for size in batches:
        drawn = [pool.one_per_group(generator, rare=rare)[:size] for _ in range(repeats)]
        if min(map(len, drawn)) < size:
            continue
        found = [check_drift(reference, pool.features[k], pool.score[k]).alarm for k in drawn]
        lo, hi = metrics.wilson(sum(found), repeats)
        row = {"size": size, "alarms": sum(found) / repeats, "lo": float(lo), "hi": float(hi)}
        rows.append({**row, "n": repeats})
    return rows


def drift_rows(
    classifier: Classifier,
    features: Mapping[str, Features],
    parts: Mapping[str, ImageSet],
    *,
    batches: Sequence[int],
    repeats: int,
) -> list[dict]:
    """The rows of `alarm_rows` under DRIFTED and RARER, with condition and severity.

    Batches are of test pictures; "clean" and a reference as rare as the batch count false alarms.
    """
    generator = np.random.default_rng(0)
    head = deepcopy(classifier.model.get_submodule("fc")).cpu()
    val, test = (pool_of(features[part], head, parts[part]) for part in ("val", "test"))
    learnt = one_per_group(parts["train"].group_numbers(), generator)
    learnt_features = features["train"].images[torch.from_numpy(learnt)].numpy()
    references = {
        rare: val.reference(val.one_per_group(generator, rare=rare), components_of=learnt_features)
        for rare in (False, True)
    }
    many = {"batches": batches, "repeats": repeats}
    rows = []
    for name, severity in DRIFTED:
        images = parts["test"].images
        changed = corruptions.corrupt(images, name, severity) if severity else images
        seen = replace(parts["test"], images=changed)
        of_test = features_on_device(classifier.model, seen, mirrored=False)
        pool = pool_of(of_test, head, seen)
        for row in alarm_rows(references[False], pool, generator, **many):
            rows.append({"condition": name, "severity": severity, **row})
    for name, as_rare in RARER.items():
        for row in alarm_rows(references[as_rare], test, generator, rare=True, **many):
            rows.append({"condition": name, "severity": 0, **row})
    return rows
