"""Ours beside what others have published, the same images or not; and two of ours on the same
images.
"""

import pandas as pd

from visionfail import corruptions, metrics
from visionfail.corruptions import CORRUPTIONS, EXTRAS, RANDOM
from visionfail.data import ImageSet
from visionfail.evaluation.outcomes import Outcomes
from visionfail.evaluation.tables import BASELINE

STANDARD_TRAINING = (
    BASELINE,
    "PreActResNet-18 standard",
)  # the published networks that were trained as ours


def beside_published(
    accuracy: pd.DataFrame, outcomes: Outcomes, published: pd.DataFrame, **bootstrap
) -> pd.DataFrame:
    """Mean accuracy over severities, a row a model and each of the 15 corruptions: ours with
    intervals, then published.

    `accuracy` are our rows of one metric; `bootstrap` goes to intervals.bootstrap_condition_means.
    """
    samples = metrics.by_corruption(
        metrics.bootstrap_condition_means(outcomes.correct, **bootstrap), outcomes.conditions
    )
    severities = sorted({s for _, s in outcomes.conditions} - {0})
    lines = []
    for name in CORRUPTIONS:
        part = accuracy[accuracy.condition == name]
        lo, hi = metrics.percentile_interval(samples[name].mean(axis=-1))
        lines.append(part.iloc[0].to_dict() | {"value": part.value.mean(), "lo": lo, "hi": hi})
    theirs = published[published.severity.isin(severities) & published.corruption.isin(CORRUPTIONS)]
    theirs = theirs.groupby(["model", "corruption"], sort=False).accuracy.mean().reset_index()
    theirs = theirs.rename(columns={"corruption": "condition", "accuracy": "value"}).assign(
        origin="official"
    )
    return pd.concat([pd.DataFrame(lines), theirs], ignore_index=True).drop(columns=["severity"])


def gaps_to_published(compared: pd.DataFrame, *, model: str, margin: float) -> pd.DataFrame:
    """Where `model` lies more than `margin` outside the span of the published networks with
    standard training.

    `reading` says what such a gap can mean: the network's, where the images are the published ones
    to the byte; the texture's, for frost; else unexplained, because network and generator both
    differ.
    """
    wide = compared.pivot(index="condition", columns="model", values="value").loc[list(CORRUPTIONS)]
    low, high = wide[list(STANDARD_TRAINING)].min(axis=1), wide[list(STANDARD_TRAINING)].max(axis=1)
    gap = _outside(wide[model], low, high)
    origin = compared[compared.model == model].set_index("condition").origin
    table = pd.DataFrame(
        {"ours": wide[model], "published low": low, "published high": high, "gap": gap}
    )
    table["reading"] = [_reading(name, origin[name], gap[name], margin) for name in table.index]
    return table.reset_index(names="corruption")


def published_by_severity(accuracy: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Accuracy rows by corruption and severity: ours of clean and the 15, then those of the
    published networks with standard training, at the same severities; their clean accuracy too,
    where it is published.
    """
    theirs = published[published.model.isin(STANDARD_TRAINING)].rename(
        columns={"accuracy": "value"}
    )
    clean = theirs.drop_duplicates("model").assign(corruption="clean", severity=0)
    clean = clean.assign(value=clean.clean_accuracy).dropna(subset=["value"])
    theirs = (
        pd.concat([clean, theirs])
        .rename(columns={"corruption": "condition"})
        .assign(origin="official")
    )
    ours = accuracy[accuracy.condition.isin(("clean", *CORRUPTIONS))]
    theirs = theirs[theirs.condition.isin(ours.condition) & theirs.severity.isin(ours.severity)]
    return pd.concat(
        [ours, theirs[["model", "condition", "severity", "value", "origin"]]], ignore_index=True
    )


def gaps_by_severity(rows: pd.DataFrame, *, model: str) -> pd.DataFrame:
    """How far `model` lies outside the span of the published networks with standard training in the
    rows of `by_severity`: fractions, 0 within the span, a row a corruption and a column a severity.
    """
    cells = rows[rows.condition != "clean"].pivot(
        index=["condition", "severity"], columns="model", values="value"
    )
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


def md5_parity(test: ImageSet) -> pd.DataFrame:
    """Per corruption: is there chance in it, and has the file regenerated from `test` the published
    MD5?

    Only those that the tests prove identical are made here, and only from the whole official test
    set.
    """
    lines = []
    for name in CORRUPTIONS + EXTRAS:
        same = "random draws: cannot match" if name in RANDOM else "no: see the tests for how close"
        if name in corruptions.IDENTICAL:
            whole = test.origin == "official"
            same = (
                corruptions.regenerated_md5(test.images, name) == corruptions.PUBLISHED_MD5[name]
                if whole
                else "not checked here"
            )
        lines.append(
            {
                "corruption": name,
                "published MD5": corruptions.PUBLISHED_MD5[name],
                "identical": same,
            }
        )
    return pd.DataFrame(lines)
