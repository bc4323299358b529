"""Does an auditor that learns more kinds of shift find more failures under the others?

Of eight kinds of shift an auditor learns one to seven, from as many draws in all, and meets the
others. Which it learns goes round in a circle, so that each kind is met equally often at each
number.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import nn

from visionfail import corruptions, failure, metrics
from visionfail.data import ImageSet
from visionfail.failure import Activations, Scored
from visionfail.metrics import Estimate
from visionfail.studies.auditing import shifted_digits
from visionfail.studies.auditing.protocol import LEARN_SEED, TEST_SEED, extract_sample

KINDS = corruptions.SHIFTS + shifted_digits.UNSEEN
CLEAN_SHARE = 0.2  # of the draws that are learnt from, as in the mix
SEVERITIES = 5

Readings = Mapping[str, Activations]  # by kind, and "clean"
Subset = tuple[str, ...]
Leads = Mapping[str, Estimate]  # over confidence, by kind met


def circle_of_kinds(*, seed: int = 0) -> list[Subset]:
    """The subsets of KINDS that are learnt: 1 to 7 neighbours in a random circle, from each start.

    So each kind is learnt in k of the eight subsets of k, and met in the other 8 - k.
    """
    circle = np.random.default_rng(seed).permutation(KINDS)
    subsets = []
    for size in range(1, len(KINDS)):
        for start in range(len(KINDS)):
            places = np.arange(start, start + size) % len(KINDS)
            subsets.append(tuple(circle[places].tolist()))
    return subsets


def under_kind(digits: ImageSet, kind: str, *, seed: int) -> ImageSet:
    """Every digit under one of KINDS: a shift of drawn strength, or a fifth at each severity."""
    if kind in corruptions.SHIFTS:
        drawn = shifted_digits.draw_shifted(
            digits, count=len(digits), seed=seed, probability=1, kinds=[kind]
        )
        return ImageSet(drawn.images, digits.labels, digits.classes, digits.origin)
    parts = []
    for severity, places in enumerate(np.array_split(np.arange(len(digits)), SEVERITIES), start=1):
        block = digits.images[places[0] : places[-1] + 1]
        parts.append(
            corruptions.corrupt(block, kind, severity, seed=seed, first_index=int(places[0]))
        )
    return ImageSet(torch.cat(parts), digits.labels, digits.classes, digits.origin)


def read_kinds(
    models: Mapping[int, nn.Module], digits: ImageSet, *, seed: int
) -> list[dict[str, Activations]]:
    """Each classifier's activations of every digit clean and under each of KINDS, by kind."""
    readings: list[dict[str, Activations]] = [{} for _ in models]
    for kind in ("clean", *KINDS):
        changed = digits if kind == "clean" else under_kind(digits, kind, seed=seed)
        for by_kind, model in zip(readings, models.values(), strict=True):
            by_kind[kind] = extract_sample(model, changed)
    return readings


def learnt_from(readings: Readings, kinds: Subset, *, seed: int = 0) -> Activations:
    """Each digit once: CLEAN_SHARE of them clean, the others in equal parts under `kinds`."""
    count = len(readings["clean"].labels)
    order = np.random.default_rng(seed).permutation(count)
    clean = round(CLEAN_SHARE * count)
    parts = [readings["clean"].at(order[:clean])]
    for kind, places in zip(kinds, np.array_split(order[clean:], len(kinds)), strict=True):
        parts.append(readings[kind].at(places))
    return failure.concatenate(parts)


def transfer_table(
    models: Mapping[int, nn.Module],
    sets: Mapping[str, ImageSet],
    counts: np.ndarray,
    *,
    subsets: Sequence[Subset],
) -> tuple[pd.DataFrame, dict[int, Leads]]:
    """How far auditors are ahead of confidence under kinds of shift that they have not learnt.

    A table with a row per subset and kind met (learnt, number, kind, auditor, confidence, lead;
    means over classifiers), and {number learnt: {kind met: lead, mean over subsets}}. Kinds with
    too few failures are left out; counts (B, N) are resamples of the test digits.
    """
    learnable = read_kinds(models, sets["auditor"], seed=LEARN_SEED)
    met = read_kinds(models, sets["test"], seed=TEST_SEED)
    by_confidence = _confidence_aurocs(met, counts)
    rows = []
    leads: dict[int, dict[str, list[Estimate]]] = {}  # by number learnt and kind met
    fitted = _fit_auditors(list(models), learnable, subsets)
    for subset, auditors in zip(subsets, fitted, strict=True):
        for kind in [kind for kind in by_confidence if kind not in subset]:
            by_auditor = _auditor_auroc(auditors, [readings[kind] for readings in met], counts)
            lead = by_auditor - by_confidence[kind]
            leads.setdefault(len(subset), {}).setdefault(kind, []).append(lead)
            rows.append(_row(subset, kind, by_auditor, by_confidence[kind]))
    means = {}
    for number, by_kind in leads.items():
        means[number] = {kind: metrics.mean_of_estimates(e) for kind, e in by_kind.items()}
    return pd.DataFrame(rows), means


def mean_lead(leads: Leads, *, without: str = "") -> Estimate:
    """The mean lead over the kinds met, one of them left out."""
    return metrics.mean_of_estimates([lead for kind, lead in leads.items() if kind != without])


def more_kinds_table(leads: Mapping[int, Leads]) -> pd.DataFrame:
    """What the most kinds learnt change against the fewest, on all kinds met and without each.

    Columns: without (a kind, "" for none), value, lo, hi.
    """
    fewest, most = leads[min(leads)], leads[max(leads)]
    rows = []
    for without in ("", *fewest):
        change = mean_lead(most, without=without) - mean_lead(fewest, without=without)
        rows.append((without, *change.interval()))
    return pd.DataFrame(rows, columns=["without", "value", "lo", "hi"])


def _confidence_aurocs(met: Sequence[Readings], counts: np.ndarray) -> dict[str, Estimate]:
    """{kind: AUROC of 1 - confidence} of the kinds that have enough failures."""
    aurocs = {}
    for kind in KINDS:
        scored = []
        for readings in met:
            score = 1 - failure.confidence_of(readings[kind])
            scored.append(_scored(score, readings[kind]))
        if failure.has_enough_failures(scored):
            aurocs[kind] = failure.aurocs(scored, counts)["score"]
    return aurocs


def _fit_auditors(
    seeds: Sequence[int], learnable: Sequence[Readings], subsets: Sequence[Subset]
) -> list[list[failure.Auditor]]:
    """For each subset an auditor of each classifier, which has learnt the kinds of the subset."""

    def tasks() -> Iterator[failure.Task]:
        for subset in subsets:
            for seed, readings in zip(seeds, learnable, strict=True):
                learnt = learnt_from(readings, subset)
                yield learnt.features(), learnt.failed, seed

    fitted = failure.fit_several(tasks())
    members = len(seeds)
    return [fitted[k : k + members] for k in range(0, len(fitted), members)]


def _auditor_auroc(
    auditors: Sequence[failure.Auditor], readings: Sequence[Activations], counts: np.ndarray
) -> Estimate:
    """The AUROC of each classifier's auditor on its activations under one kind."""
    scored = []
    for auditor, reading in zip(auditors, readings, strict=True):
        scored.append(_scored(auditor.score(reading.features()), reading))
    return failure.aurocs(scored, counts)["score"]


def _scored(score: np.ndarray, reading: Activations) -> Scored:
    """One failure score (N,) of every test digit."""
    return Scored({"score": score}, reading.failed, np.arange(len(score)))


def _row(subset: Subset, kind: str, by_auditor: Estimate, confidence: Estimate) -> dict:
    """A row of `transfer_table`."""
    return {
        "learnt": ", ".join(subset),
        "number": len(subset),
        "kind": kind,
        "auditor": by_auditor.exact.mean(),
        "confidence": confidence.exact.mean(),
        "lead": (by_auditor - confidence).exact.mean(),
    }
