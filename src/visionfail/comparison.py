"""Ours beside what others have published, the same images or not; and two of ours on the same images."""

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd

from visionfail import intervals, metrics
from visionfail.corruptions import CORRUPTIONS, EXTRAS, RANDOM
from visionfail.corruptions import published as files
from visionfail.imageset import ImageSet
from visionfail.summary import BASELINE
from visionfail.sweep import Outcomes

STANDARD_TRAINING = (BASELINE, "PreActResNet-18 standard")  # the published networks that were trained as ours


def beside_published(accuracy: pd.DataFrame, outcomes: Outcomes, published: pd.DataFrame, **bootstrap) -> pd.DataFrame:
    """Mean accuracy over severities, a row a model and each of the 15 corruptions: ours with intervals, then published.

    `accuracy` are our rows of one metric; `bootstrap` goes to intervals.bootstrap_condition_means.
    """
    samples = metrics.by_corruption(
        intervals.bootstrap_condition_means(outcomes.correct, **bootstrap), outcomes.conditions
    )
    severities = sorted({s for _, s in outcomes.conditions} - {0})
    lines = []
    for name in CORRUPTIONS:
        part = accuracy[accuracy.condition == name]
        lo, hi = intervals.percentile_interval(samples[name].mean(axis=-1))
        lines.append(part.iloc[0].to_dict() | {"value": part.value.mean(), "lo": lo, "hi": hi})
    theirs = published[published.severity.isin(severities) & published.corruption.isin(CORRUPTIONS)]
    theirs = theirs.groupby(["model", "corruption"], sort=False).accuracy.mean().reset_index()
    theirs = theirs.rename(columns={"corruption": "condition", "accuracy": "value"}).assign(origin="official")
    return pd.concat([pd.DataFrame(lines), theirs], ignore_index=True).drop(columns=["severity"])


def gaps(compared: pd.DataFrame, *, model: str, margin: float) -> pd.DataFrame:
    """Where `model` lies more than `margin` outside the span of the published networks with standard training.

    `reading` says what such a gap can mean: the network's, where the images are the published ones to the byte; the
    texture's, for frost; else unexplained, because network and generator both differ.
    """
    wide = compared.pivot(index="condition", columns="model", values="value").loc[list(CORRUPTIONS)]
    low, high = wide[list(STANDARD_TRAINING)].min(axis=1), wide[list(STANDARD_TRAINING)].max(axis=1)
    gap = _outside(wide[model], low, high)
    origin = compared[compared.model == model].set_index("condition").origin
    table = pd.DataFrame({"ours": wide[model], "published low": low, "published high": high, "gap": gap})
    table["reading"] = [_reading(name, origin[name], gap[name], margin) for name in table.index]
    return table.reset_index(names="corruption")


def by_severity(accuracy: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Accuracy rows by corruption and severity: ours of clean and the 15, then those of the published networks with
    standard training, at the same severities; their clean accuracy too, where it is published.
    """
    theirs = published[published.model.isin(STANDARD_TRAINING)].rename(columns={"accuracy": "value"})
    clean = theirs.drop_duplicates("model").assign(corruption="clean", severity=0)
    clean = clean.assign(value=clean.clean_accuracy).dropna(subset=["value"])
    theirs = pd.concat([clean, theirs]).rename(columns={"corruption": "condition"}).assign(origin="official")
    ours = accuracy[accuracy.condition.isin(("clean", *CORRUPTIONS))]
    theirs = theirs[theirs.condition.isin(ours.condition) & theirs.severity.isin(ours.severity)]
    return pd.concat([ours, theirs[["model", "condition", "severity", "value", "origin"]]], ignore_index=True)


def gaps_by_severity(rows: pd.DataFrame, *, model: str) -> pd.DataFrame:
    """How far `model` lies outside the span of the published networks with standard training in the rows of
    `by_severity`: fractions, 0 within the span, a row a corruption and a column a severity.
    """
    cells = rows[rows.condition != "clean"].pivot(index=["condition", "severity"], columns="model", values="value")
    theirs = cells[list(STANDARD_TRAINING)]
    gap = _outside(cells[model], theirs.min(axis=1), theirs.max(axis=1))
    return gap.unstack("severity").loc[list(CORRUPTIONS)]


def _outside(value: pd.Series, low: pd.Series, high: pd.Series) -> pd.Series:
    return (value - high).clip(lower=0) + (value - low).clip(upper=0)


def _reading(name: str, origin: str, gap: float, margin: float) -> str:
    if origin in ("subset", "standin"):
        return "other images: not comparable"
    if abs(gap) <= margin:
        return "within the margin"
    if origin in ("official", "identical"):
        return "same images: the network's"
    return "frost texture ours" if name == "frost" else "unexplained: network and generator differ"


def paired(a: Outcomes, b: Outcomes, *, bootstraps: int, generator: np.random.Generator) -> pd.DataFrame:
    """Accuracy of a minus that of b by condition, on the same images: difference with its 95% bootstrap interval over
    images, exact McNemar p, the same after Holm over all conditions, n. ValueError for other images or conditions.
    """
    if a.conditions != b.conditions or a.made["images"] != b.made["images"]:
        raise ValueError("the two sweeps are of other images or conditions: a paired comparison needs the same.")
    both = np.concatenate([a.correct, b.correct])
    samples = intervals.bootstrap_condition_means(both, bootstraps=bootstraps, generator=generator)
    lo, hi = intervals.percentile_interval(samples[:, : len(a.correct)] - samples[:, len(a.correct) :])
    table = pd.DataFrame(a.conditions, columns=["condition", "severity"])
    table["difference"] = a.correct.mean(axis=1) - b.correct.mean(axis=1)
    table["lo"], table["hi"] = lo, hi
    table["p"] = [intervals.mcnemar_exact(x, y) for x, y in zip(a.correct, b.correct, strict=True)]
    return table.assign(p_holm=intervals.holm(table.p), n=len(a.labels))


def disagreement(
    correct_a: np.ndarray, correct_b: np.ndarray, *, bootstraps: int, generator: np.random.Generator
) -> dict[str, float]:
    """Two models on the same images, correct (N,) bool each: how many both, only a, only b and neither got right;
    accuracy of a minus that of b, its 95% paired bootstrap interval lo, hi; exact McNemar p; n.
    """
    counts = {"both right": correct_a & correct_b, "only a": correct_a & ~correct_b, "only b": ~correct_a & correct_b}
    found = {name: int(chosen.sum()) for name, chosen in counts.items()}
    found["neither"] = len(correct_a) - sum(found.values())
    mean = intervals.mean_over_conditions
    value, lo, hi = intervals.paired_bootstrap(
        correct_a, correct_b, statistic=mean, bootstraps=bootstraps, generator=generator
    )
    p = intervals.mcnemar_exact(correct_a, correct_b)
    return found | {"difference": value, "lo": lo, "hi": hi, "p": p, "n": len(correct_a)}


def disagreements(correct: Mapping[str, np.ndarray], *, bootstraps: int) -> pd.DataFrame:
    """`disagreement` of every two of several models on the same images, {name: correct (N,) bool}: columns a, b, apart
    (only one of them right), and difference, lo, hi, n.
    """
    rows = []
    for a, b in itertools.combinations(correct, 2):
        pair = disagreement(correct[a], correct[b], bootstraps=bootstraps, generator=np.random.default_rng(0))
        pair |= {"a": a, "b": b, "apart": pair["only a"] + pair["only b"]}
        rows.append({name: pair[name] for name in ("a", "b", "apart", "difference", "lo", "hi", "n")})
    return pd.DataFrame(rows)


def drops(outcomes: Outcomes, *, bootstraps: int, generator: np.random.Generator) -> pd.DataFrame:
    """What each corruption costs: clean accuracy minus accuracy at its highest severity, and on the mean of its
    severities, each with its 95% bootstrap interval over images; the dearest first. Fractions.
    """
    exact = outcomes.correct.mean(axis=1)[None]
    samples = intervals.bootstrap_condition_means(outcomes.correct, bootstraps=bootstraps, generator=generator)
    exact, samples = (metrics.by_corruption(values, outcomes.conditions) for values in (exact, samples))
    lines = []
    for name in exact:
        if name != "clean":
            line = {"corruption": name}
            for label, pick in {"highest": lambda a: a[:, -1], "mean": lambda a: a.mean(axis=1)}.items():
                value, spread = (values["clean"][:, 0] - pick(values[name]) for values in (exact, samples))
                lo, hi = intervals.percentile_interval(spread)
                line |= {label: float(value[0]), f"{label} lo": lo, f"{label} hi": hi}
            lines.append(line | {"n": len(outcomes.labels)})
    return pd.DataFrame(lines).sort_values("highest", ascending=False, ignore_index=True)


def parity(test: ImageSet) -> pd.DataFrame:
    """Per corruption: is there chance in it, and has the file regenerated from `test` the published MD5?

    Only those that the tests prove identical are made here, and only from the whole official test set.
    """
    lines = []
    for name in CORRUPTIONS + EXTRAS:
        same = "random draws: cannot match" if name in RANDOM else "no: see the tests for how close"
        if name in files.IDENTICAL:
            whole = test.origin == "official"
            same = (
                files.regenerated_md5(test.images, name) == files.PUBLISHED_MD5[name] if whole else "not checked here"
            )
        lines.append({"corruption": name, "published MD5": files.PUBLISHED_MD5[name], "identical": same})
    return pd.DataFrame(lines)
