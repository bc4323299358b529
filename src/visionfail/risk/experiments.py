"""Where it fails: too few pictures, new kinds, mixed frames, imbalance; heads cost seconds."""

import dataclasses
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from visionfail import devices, metrics
from visionfail.metrics import Estimate
from visionfail.models.features import Features
from visionfail.risk.config import RiskConfig
from visionfail.risk.decisions import Scored
from visionfail.risk.training import fit_head

DRAWS = 5
BATCH = 256  # of these heads, so that each takes seconds; all arms of a comparison share it
LR = 4e-3
IMBALANCE = 20  # safe training pictures for an unsafe one


@devices.able_to_learn()
def quick_head(learnt: Features, config: RiskConfig) -> nn.Module:
    """A head trained on features, the same way in every arm of a comparison."""
    settings = dataclasses.replace(config, batch=BATCH, lr=LR)
    features = learnt.images.shape[1]
    with devices.seeded(settings.seed):
        head = nn.Sequential(OrderedDict(fc=nn.Linear(features, 2)))
    fit_head(head, learnt, learnt.at(torch.arange(1)), settings)
    return head.cpu()


@torch.inference_mode()
def head_score(head: nn.Module, features: Tensor) -> np.ndarray:
    """The softmax probability of "unsafe", (N,), by a head, of features (N, F)."""
    with devices.in_precision("cpu", torch.float32):
        logits = head(features.cpu())  # (N, 2)
    return metrics.probabilities(logits.numpy())[:, 1]


def balanced_accuracy(scored: Scored, threshold: float, counts: np.ndarray) -> Estimate:
    """The mean of the shares of unsafe and of safe pictures decided rightly, over groups."""
    right = scored.of_groups((scored.score >= threshold) == (scored.labels == 1))
    unsafe = scored.unsafe()
    parts = [
        metrics.ratio_of_sums([right * chosen], [chosen], counts) for chosen in (unsafe, ~unsafe)
    ]
    return metrics.mean_of_estimates(parts)


def drawn_per_class(
    labels: np.ndarray, sizes: Sequence[int], generator: np.random.Generator
) -> Tensor:
    """The places of `sizes[k]` random pictures of each class k, int64."""
    chosen = []
    for label, size in enumerate(sizes):
        members = np.flatnonzero(labels == label)
        chosen.append(generator.permutation(members)[:size])
    return torch.from_numpy(np.concatenate(chosen))


def learning_curve(
    learnt: Features,
    test: Features,
    scored: Scored,
    config: RiskConfig,
    *,
    sizes: Sequence[int],
) -> tuple[pd.DataFrame, dict[int, Estimate]]:
    """(a row per size: size, value, lo, hi, n; {size: Estimate}) of balanced accuracy at 0.5.

    Means of DRAWS draws of as many pictures a class; a size larger than a class is left out.
    """
    labels = learnt.labels.numpy()
    fewest = np.bincount(labels, minlength=2).min()
    counts = scored.counts()
    found = {}
    for size in [size for size in sizes if size <= fewest]:
        parts = []
        for draw in range(DRAWS):
            generator = np.random.default_rng(draw)
            chosen = learnt.at(drawn_per_class(labels, (size, size), generator))
            head = quick_head(chosen, config)
            arm = dataclasses.replace(scored, score=head_score(head, test.images))
            parts.append(balanced_accuracy(arm, 0.5, counts))
        found[size] = metrics.mean_of_estimates(parts)
    head = quick_head(learnt, config)
    arm = dataclasses.replace(scored, score=head_score(head, test.images))
    found[len(labels) // 2] = balanced_accuracy(arm, 0.5, counts)  # all, mean size of a class
    rows = []
    for size, estimate in found.items():
        value, lo, hi = estimate.interval()
        rows.append({"size": size, "value": value, "lo": lo, "hi": hi, "n": counts.shape[1]})
    return pd.DataFrame(rows), found


def new_kinds(
    learnt: Features,
    learnt_kinds: Sequence[str],
    test: Features,
    scored: Scored,
    kinds: Sequence[str],
    config: RiskConfig,
) -> tuple[pd.DataFrame, Estimate]:
    """(a row per kind: error when learnt, and when left out; the mean difference over kinds)."""
    names = sorted(set(kinds))
    of_learnt = np.array(learnt_kinds)
    of_test = np.array(kinds)
    plain = head_score(quick_head(learnt, config), test.images)
    left_out = np.empty_like(plain)
    for name in names:
        rest = torch.from_numpy(np.flatnonzero(of_learnt != name))
        head = quick_head(learnt.at(rest), config)
        chosen = of_test == name
        left_out[chosen] = head_score(head, test.images[torch.from_numpy(chosen)])
    unsafe = scored.labels == 1
    wrong = {"learnt": (plain >= 0.5) != unsafe, "left out": (left_out >= 0.5) != unsafe}
    rows = []
    for name in names:
        chosen = of_test == name
        row: dict[str, object] = {"kind": name}
        row["class"] = "unsafe" if unsafe[chosen][0] else "safe"
        row.update({arm: float(values[chosen].mean()) for arm, values in wrong.items()})
        rows.append({**row, "n": len(np.unique(scored.groups[chosen]))})
    more = scored.of_groups(wrong["left out"].astype(float) - wrong["learnt"])  # (G,)
    number = scored.of_groups(np.searchsorted(names, of_test)).round().astype(int)
    weight = 1 / np.bincount(number)[number]  # every kind counts the same
    return pd.DataFrame(rows), metrics.ratio_of_sums([more * weight], [weight], scored.counts())


def mixed_frames(images: Tensor, labels: np.ndarray, *, seed: int = 0) -> tuple[Tensor, np.ndarray]:
    """(each unsafe picture beside a safe one in one frame, uint8, the places of the unsafe ones).

    Both are squeezed to half their width; which one stands at the left is drawn.
    """
    generator = np.random.default_rng(seed)
    unsafe = np.flatnonzero(labels == 1)
    safe = generator.choice(np.flatnonzero(labels == 0), size=len(unsafe))
    side = images.shape[-1]
    halves = [
        nn.functional.interpolate(
            images[torch.from_numpy(chosen)].float(),
            size=(side, side // 2),
            mode="bilinear",
            antialias=True,
        )
        for chosen in (unsafe, safe)
    ]
    unsafe_left = torch.from_numpy(generator.random(len(unsafe)) < 0.5)[:, None, None, None]
    left = torch.where(unsafe_left, halves[0], halves[1])
    right = torch.where(unsafe_left, halves[1], halves[0])
    return torch.cat([left, right], dim=3).round().to(torch.uint8), unsafe


def more_missed(
    scored: Scored, score: np.ndarray, unsafe: np.ndarray, threshold: float
) -> Estimate:
    """The share of unsafe pictures missed by other scores (M,) of `unsafe` (M,), minus by theirs.

    Over groups, paired.
    """
    missed = np.zeros(len(scored.score))
    missed[unsafe] = (score < threshold).astype(float) - (scored.score[unsafe] < threshold)
    of_unsafe = scored.unsafe()
    more = scored.of_groups(missed)
    return metrics.ratio_of_sums([more * of_unsafe], [of_unsafe], scored.counts())


def imbalance(learnt: Features, test: Features, scored: Scored, config: RiskConfig) -> Estimate:
    """The share of unsafe pictures missed at 0.5, learnt one in IMBALANCE, minus half and half.

    Both arms have as many pictures and no class weights; means of DRAWS draws.
    """
    labels = learnt.labels.numpy()
    safe, unsafe = np.bincount(labels, minlength=2)
    total = int(min(2 * safe, 2 * unsafe, safe * (IMBALANCE + 1) / IMBALANCE))
    few = total // (IMBALANCE + 1)
    plain = dataclasses.replace(config, balance=False)
    parts = []
    for draw in range(DRAWS):
        scores = []
        for sizes in ((total - few, few), (total // 2, total // 2)):
            generator = np.random.default_rng(draw)
            chosen = learnt.at(drawn_per_class(labels, sizes, generator))
            scores.append(head_score(quick_head(chosen, plain), test.images))
        rare, even = scores
        everything = np.flatnonzero(scored.labels == 1)
        of_even = dataclasses.replace(scored, score=even)
        parts.append(more_missed(of_even, rare[everything], everything, 0.5))
    return metrics.mean_of_estimates(parts)


def labelling_round(
    learnt: Features, test: Features, scored: Scored, config: RiskConfig, *, size: int
) -> pd.DataFrame:
    """What one more round of labels buys: a row per choice of `size` pictures beside the first.

    Rows: "first", a head on `size` random pictures; "random", with as many more at random; "nearest
    to the threshold", with those whose scores lie nearest to 0.5, as in a review band; and the last
    two's difference. Columns: labelled, value, lo, hi (balanced accuracy at 0.5), n. Means of DRAWS
    draws.
    """
    counts = scored.counts()
    arms: dict[str, list[Estimate]] = {"first": [], "random": [], "nearest to the threshold": []}
    for draw in range(DRAWS):
        order = torch.from_numpy(np.random.default_rng(draw).permutation(len(learnt)))
        first, pool = order[:size], order[size:]
        head = quick_head(learnt.at(first), config)
        doubt = np.abs(head_score(head, learnt.images[pool]) - 0.5)
        nearest = pool[torch.from_numpy(np.argsort(doubt, kind="stable")[:size])]
        chosen = {"first": first, "random": order[: 2 * size]}
        chosen["nearest to the threshold"] = torch.cat([first, nearest])
        for name, index in chosen.items():
            score = head_score(quick_head(learnt.at(index), config), test.images)
            arm = dataclasses.replace(scored, score=score)
            arms[name].append(balanced_accuracy(arm, 0.5, counts))
    means = {name: metrics.mean_of_estimates(parts) for name, parts in arms.items()}
    means["nearest minus random"] = means["nearest to the threshold"] - means["random"]
    rows = []
    for name, estimate in means.items():
        value, lo, hi = estimate.interval()
        rows.append({"labelled": name, "value": value, "lo": lo, "hi": hi, "n": counts.shape[1]})
    return pd.DataFrame(rows)
