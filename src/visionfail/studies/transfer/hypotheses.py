"""The value of each claim, from the reference's answers and from those of the ladder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from visionfail import metrics
from visionfail.metrics import Estimate, ratio_of_sums
from visionfail.studies.transfer import measures
from visionfail.studies.transfer.answers import Asked, Trained, paired
from visionfail.studies.transfer.backgrounds import Swapped
from visionfail.studies.transfer.claims import (
    CAT,
    DOG,
    ORGANIC,
    OTHER_ANIMALS,
    PAIRS,
    RIGID,
    Found,
)
from visionfail.studies.transfer.follow_ups import confused_pair_of, recall_by_class
from visionfail.studies.transfer.recipes import BASELINE

CONTESTED = 0.5  # share of votes for the label below which it is contested
TILES = 4


def of_reference(asked: Asked, votes: np.ndarray | None, counts: np.ndarray) -> dict[str, Found]:
    """{claim: value} of the reference's answers to the test images, counts (B, N).

    votes (N, K) are shares of people; None leaves out the claims that need them.
    """
    n = len(asked.labels)
    wrong = ~asked.correct  # (1, N)
    estimates = {
        "D1a": measures.accuracy_of(asked, counts),
        "D1b": measures.macro_f1(asked, counts),
        "D5": rigid_minus_organic(asked, counts),
    }
    for claim, pair in PAIRS.items():
        estimates[claim] = ratio_of_sums(wrong & taken_for(asked, pair), wrong, counts)
    if votes is not None:
        estimates.update(of_votes(asked, votes, counts))
    found = {claim: Found.of(estimate, n=n, seeds=[0]) for claim, estimate in estimates.items()}
    for claim in (*PAIRS, "D7a", "D7b"):
        if claim in found:
            found[claim] = replace(found[claim], n=int(wrong.sum()))  # errors are what is counted
    return found


def rigid_minus_organic(
    asked: Asked, counts: np.ndarray, *, without: Sequence[int] = ()
) -> Estimate:
    """The mean recall of the vehicles minus that of the animals, some classes left out."""
    animals = [label for label in ORGANIC if label not in without]
    return measures.recall_of(asked, RIGID, counts) - measures.recall_of(asked, animals, counts)


def of_votes(asked: Asked, votes: np.ndarray, counts: np.ndarray) -> dict[str, Estimate]:
    """D7a and D7b: what people saw in the images that are answered wrongly, votes (N, K)."""
    wrong = ~asked.correct  # (1, N)
    n = len(asked.labels)
    contested = votes[np.arange(n), asked.labels] < CONTESTED  # (N,)
    among_errors = ratio_of_sums(wrong & contested, wrong, counts)
    return {
        "D7a": ratio_of_sums(votes_for_answer(asked, votes) * wrong, wrong, counts),
        "D7b": among_errors - measures.mean_of(contested[None].astype(float), counts),
    }


def taken_for(asked: Asked, pair: tuple[int, int]) -> np.ndarray:
    """Whether label and answer are the two classes of the pair, bool (S, N)."""
    return np.isin(asked.labels, pair) & np.isin(asked.predicted, pair)


def votes_for_answer(asked: Asked, votes: np.ndarray) -> np.ndarray:
    """The votes for each wrong answer minus the mean of the other wrong classes', (S, N)."""
    n, classes = votes.shape
    images = np.arange(n)
    not_label = 1 - votes[images, asked.labels]  # of all wrong classes together
    rows = []
    for predicted in asked.predicted:
        answer = votes[images, predicted]
        rows.append(answer - (not_label - answer) / (classes - 2))
    return np.stack(rows)


def of_objects(swapped: Swapped, counts: np.ndarray) -> dict[str, Found]:
    """{claim: value} of backgrounds and Grad-CAM's peaks, counts (B, N) of the usable pictures."""
    n = len(swapped.labels)
    gap = background_gap(swapped)[None]  # (1, N)
    sky = np.isin(swapped.labels, PAIRS["D6b"])
    on_object = (swapped.peak_on_mask - swapped.mask_share)[None]
    estimates = {
        "D8a": measures.mean_of(on_object, counts),
        "D8b": measures.mean_of(gap, counts),
        "D8c": measures.mean_of(gap, counts, among=sky) - measures.mean_of(gap, counts, among=~sky),
    }
    return {claim: Found.of(estimate, n=n, seeds=[0]) for claim, estimate in estimates.items()}


def background_gap(swapped: Swapped) -> np.ndarray:
    """Right answers before its class's backgrounds minus before others', of each picture (N,)."""
    of_class = swapped.right["same class"].mean(axis=0)
    return of_class - swapped.right["another class"].mean(axis=0)


def of_ladder(networks: Mapping[str, Trained], counts: np.ndarray) -> dict[str, Found]:
    """{claim: value} of the recipes whose networks are there, paired by seed with the baseline's.

    counts (B, N) say how often each resample holds each test image.
    """
    found = {}
    differences = {
        "D2b": ("frozen-128-bicubic-pil", "frozen-128"),
        "D3": (BASELINE, "at-once-64"),
        "D4": (BASELINE, best_constant(networks)),
        "D10a": ("cutmix-64", BASELINE),
        "D10b": ("mixup-64", BASELINE),
        "D11": ("scratch-50-64", "scratch-64"),
        "D12": (BASELINE, "scratch-64"),
    }
    for claim, (more, less) in differences.items():
        if more in networks and less in networks:
            split = "val" if claim == "D2b" else "test"
            found[claim] = accuracy_gained(networks[more], networks[less], counts, split=split)
    return {**found, **of_classes(networks, counts), **of_tiles(networks, counts)}


def resampled(n: int, counts: np.ndarray) -> np.ndarray:
    """As many resamples of n images as `counts` (B, N) are, (B, n)."""
    return metrics.resampling_counts(len(counts), n, np.random.default_rng(0))


def accuracy_gained(
    more: Trained, less: Trained, counts: np.ndarray, *, split: str = "test"
) -> Found:
    """One recipe's accuracy minus another's on "test" or "val", by the seeds that both have."""
    first, second = paired(more, less)
    answers, others = getattr(first, split), getattr(second, split)
    n = len(answers.labels)
    of_split = counts if n == counts.shape[1] else resampled(n, counts)
    gained = answers.correct.astype(float) - others.correct
    return Found.of(measures.mean_of(gained, of_split), n=n, seeds=first.seeds)


def best_constant(networks: Mapping[str, Trained]) -> str:
    """The recipe with the constant rate of highest validation accuracy for seed 0, "" for none."""
    constant = [
        name for name, n in networks.items() if name.startswith("constant-") and 0 in n.seeds
    ]
    if not constant:
        return ""
    return max(constant, key=lambda name: networks[name].of([0]).val.correct.mean())


def of_classes(networks: Mapping[str, Trained], counts: np.ndarray) -> dict[str, Found]:
    """D10c and D10d: recall gained by what the baseline's validation answers say is weak."""
    weak = {"D10c": ("weighted-64", worst_class), "D10d": ("hard-64", confused_pair_of)}
    found = {}
    for claim, (name, choose) in weak.items():
        if BASELINE not in networks or name not in networks:
            continue
        after, before = paired(networks[name], networks[BASELINE])
        gained = after.test.correct.astype(float) - before.test.correct  # (S, N)
        chosen = []
        for predicted in before.val.predicted:
            chosen.append(np.isin(after.test.labels, choose(predicted, before.val.labels)))
        of_chosen = np.stack(chosen).astype(float)  # (S, N)
        estimate = ratio_of_sums(gained * of_chosen, of_chosen, counts)
        found[claim] = Found.of(estimate, n=int(of_chosen.sum(axis=1).min()), seeds=after.seeds)
    return found


def worst_class(predicted: np.ndarray, labels: np.ndarray) -> int:
    """The class of lowest recall."""
    return int(recall_by_class(predicted, labels).argmin())


def of_tiles(networks: Mapping[str, Trained], counts: np.ndarray) -> dict[str, Found]:
    """D9a and D9b: right answers kept when tiles are shuffled."""
    if BASELINE not in networks or networks[BASELINE].shifted is None:
        return {}
    baseline = networks[BASELINE]
    m = baseline.shuffled(TILES).shape[1]
    labels = baseline.test.labels[:m]
    few = resampled(m, counts)
    is_pet, is_other = np.isin(labels, (CAT, DOG)), np.isin(labels, OTHER_ANIMALS)
    pets = kept_when_shuffled(baseline, is_pet, few)
    others = kept_when_shuffled(baseline, is_other, few)
    n = int((is_pet | is_other).sum())
    found = {"D9a": Found.of(pets - others, n=n, seeds=baseline.seeds)}
    if "cutmix-64" in networks:
        everything = np.ones(m, dtype=bool)
        before, after = paired(baseline, networks["cutmix-64"])
        kept = kept_when_shuffled(before, everything, few)
        kept_after = kept_when_shuffled(after, everything, few)
        found["D9b"] = Found.of(kept - kept_after, n=m, seeds=before.seeds)
    return found


def kept_when_shuffled(
    trained: Trained, among: np.ndarray, counts: np.ndarray, *, tiles: int = TILES
) -> Estimate:
    """The share of clean right answers that stay right with shuffled tiles, by seed.

    Among the images `among`, bool (M,) or (S, M).
    """
    answers = trained.shuffled(tiles)  # (S, M)
    m = answers.shape[1]
    clean = trained.test.correct[:, :m] & among
    return ratio_of_sums((answers == trained.test.labels[:m]) & clean, clean, counts)
