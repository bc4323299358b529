"""Tables of what the networks get wrong and why: votes, backgrounds, Grad-CAM's peaks, tiles."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.metrics import ratio_of_sums
from visionfail.studies.transfer import measures
from visionfail.studies.transfer.answers import Asked, Trained, paired
from visionfail.studies.transfer.backgrounds import SWAPS, Swapped
from visionfail.studies.transfer.claims import CAT, DOG, OTHER_ANIMALS, PAIRS
from visionfail.studies.transfer.duplicates import Nearest
from visionfail.studies.transfer.hypotheses import CONTESTED, kept_when_shuffled, resampled
from visionfail.studies.transfer.recipes import BASELINE
from visionfail.studies.transfer.shifts import TILES

CLEAR = 0.9  # share of votes for the label from which a picture is clear to people


def votes_table(asked: Asked, votes: np.ndarray) -> pd.DataFrame:
    """What people say of the pictures that the network gets wrong: errors, count, share, lo, hi.

    votes (N, K) are shares of people; intervals are Wilson's, of all errors.
    """
    wrong = np.flatnonzero(~asked.correct[0])
    label = asked.labels[wrong]
    answer = asked.predicted[0][wrong]
    rows = np.arange(len(wrong))
    of_wrong = votes[wrong]  # (E, K)
    for_label, for_answer = of_wrong[rows, label], of_wrong[rows, answer]
    told = {
        f"at least {CLEAR:.0%} of the people choose the label": for_label >= CLEAR,
        "nobody chooses the network's answer": for_answer == 0,
        f"fewer than {CONTESTED:.0%} choose the label (contested)": for_label < CONTESTED,
        "more people choose the network's answer than the label": for_answer > for_label,
    }
    table = []
    for words, holds in told.items():
        count = int(holds.sum())
        lo, hi = metrics.wilson(count, len(wrong))
        row = {"errors of which": words, "count": count, "share": holds.mean()}
        table.append({**row, "lo": float(lo), "hi": float(hi), "n": len(wrong)})
    return pd.DataFrame(table)


def swap_table(swapped: Swapped, counts: np.ndarray) -> pd.DataFrame:
    """A row per swap and group of classes: swap, classes, accuracy (value, lo, hi), n."""
    airplane, bird = PAIRS["D6b"]
    labels = swapped.labels
    groups = {"all": np.ones(len(labels), dtype=bool)}
    groups.update({"airplane": labels == airplane, "bird": labels == bird})
    groups["the others"] = ~np.isin(labels, PAIRS["D6b"])
    rows = []
    for swap in SWAPS:
        right = swapped.right[swap].mean(axis=0)[None]  # (1, N), mean over draws
        for words, among in groups.items():
            value, lo, hi = measures.mean_of(right, counts, among=among).interval()
            row = {"swap": swap, "classes": words, "value": value, "lo": lo, "hi": hi}
            rows.append({**row, "n": int(among.sum())})
    return pd.DataFrame(rows)


def donor_share(swapped: Swapped, counts: np.ndarray) -> tuple[float, float, float]:
    """(share, lo, hi) of the errors before another class's background that name this class."""
    wrong = ~swapped.right["another class"]  # (draws, N)
    named = swapped.names_donor.mean(axis=0)[None]
    return ratio_of_sums(named, wrong.mean(axis=0)[None], counts).interval()


def peak_table(swapped: Swapped, counts: np.ndarray) -> pd.DataFrame:
    """How often what is looked at lies on the object: what, value, lo, hi, n; the last is paired.

    Grad-CAM's peak, a pixel drawn at random, the picture's centre, and the peak minus the centre.
    """
    peak, centre = (
        values.astype(float) for values in (swapped.peak_on_mask, swapped.centre_on_mask)
    )
    told = {"Grad-CAM's peak": peak, "a pixel drawn at random": swapped.mask_share}
    told.update({"the picture's centre": centre, "peak minus centre": peak - centre})
    rows = []
    for words, values in told.items():
        value, lo, hi = measures.mean_of(values[None], counts).interval()
        rows.append({"on the object": words, "value": value, "lo": lo, "hi": hi, "n": len(values)})
    return pd.DataFrame(rows)


def shuffled_table(networks: Mapping[str, Trained], counts: np.ndarray) -> pd.DataFrame:
    """A row per recipe, group of classes and tiles along a side: what shuffled tiles leave.

    Columns: recipe, classes, tiles, kept (of the answers that are right of the whole picture) with
    lo, hi, right when whole (images, mean over seeds), and answered, the share of all shuffled
    pictures that are called one of these classes.
    """
    rows = []
    for trained in (networks[name] for name in (BASELINE, "cutmix-64") if name in networks):
        m = trained.shuffled(TILES[0]).shape[1]
        few = resampled(m, counts)
        whole = trained.test.correct[:, :m]
        groups = {"all": range(10), "cat": [CAT], "dog": [DOG], "other animals": OTHER_ANIMALS}
        for words, classes in groups.items():
            among = np.isin(trained.test.labels[:m], classes)
            for tiles in TILES:
                value, lo, hi = kept_when_shuffled(trained, among, few, tiles=tiles).interval()
                row = {"recipe": trained.member.words, "classes": words, "tiles": tiles}
                row.update({"kept": value, "lo": lo, "hi": hi})
                row["right when whole"] = round((whole & among).sum(axis=1).mean())
                row["answered"] = np.isin(trained.shuffled(tiles), classes).mean()
                rows.append(row)
    return pd.DataFrame(rows)


def kept_on_shared(networks: Mapping[str, Trained], counts: np.ndarray) -> pd.DataFrame:
    """4 x 4 tiles on the pictures that baseline and CutMix both get right: recipe, kept, lo, hi.

    Shares of the two networks' own right answers are of different pictures; these are of the same.
    """
    if BASELINE not in networks or "cutmix-64" not in networks:
        return pd.DataFrame()
    pair = paired(networks[BASELINE], networks["cutmix-64"])
    m = pair[0].shuffled(TILES[0]).shape[1]
    both = pair[0].test.correct[:, :m] & pair[1].test.correct[:, :m]  # (S, M)
    rows = []
    for trained in pair:
        value, lo, hi = kept_when_shuffled(trained, both, resampled(m, counts)).interval()
        row = {"recipe": trained.member.words, "kept": value, "lo": lo, "hi": hi}
        rows.append({**row, "right by both": round(both.sum(axis=1).mean())})
    return pd.DataFrame(rows)


def surest_mistakes(asked: Asked, *, count: int) -> np.ndarray:
    """The images that the first network is surest of and wrong about, the surest first."""
    wrong = np.flatnonzero(~asked.correct[0])
    by_confidence = np.argsort(-asked.log_odds[0][wrong].astype(float), kind="stable")
    return wrong[by_confidence][:count]


def confident_mistakes(
    asked: Asked,
    nearest: Nearest,
    learnt: np.ndarray,
    votes: np.ndarray | None,
    *,
    classes: Sequence[str],
    count: int,
) -> pd.DataFrame:
    """The surest wrong answers: image, label, answer, confidence, and the training image nearest.

    learnt (M,) are the labels of the images in which `nearest` was found; votes (N, K) shares of
    people, None for no such columns. words and beside are captions of the two pictures.
    """
    sure = surest_mistakes(asked, count=count)
    label, answer = asked.labels[sure], asked.predicted[0][sure]
    partner = learnt[nearest.index[sure]]
    named = {"label": label, "answer": answer, "label of nearest": partner}
    table = pd.DataFrame({"image": sure})
    for column, numbers in named.items():
        table[column] = [classes[k] for k in numbers]
    table["confidence"] = asked.confidence[0][sure]
    if votes is not None:
        table["people for label"] = votes[sure, label]
        table["people for answer"] = votes[sure, answer]
    table["nearest"] = nearest.index[sure]
    table["correlation"] = nearest.correlation[sure]
    table["words"] = table.answer + "\nfor " + table.label
    alike = [f"{value:.2f}" for value in table.correlation]
    table["beside"] = table["label of nearest"] + "\n" + pd.Series(alike)
    return table
