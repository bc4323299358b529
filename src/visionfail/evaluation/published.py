"""Our accuracies beside published ones, and our corrupted files beside the published files."""

import pandas as pd

from visionfail import corruptions, metrics
from visionfail.corruptions import CORRUPTIONS, EXTRAS, RANDOM
from visionfail.data import ImageSet
from visionfail.evaluation.outcomes import Outcomes
from visionfail.evaluation.tables import BASELINE

# the published networks that were trained as ours
STANDARD_TRAINING = (BASELINE, "PreActResNet-18 standard")


def beside_published(
    accuracy: pd.DataFrame, outcomes: Outcomes, published: pd.DataFrame, **bootstrap
) -> pd.DataFrame:
    """A row per model and each of the 15 corruptions: mean accuracy over severities, a fraction.

    Ours come first, with intervals, then the published ones. `accuracy` are our rows of one metric;
    `bootstrap` goes to metrics.bootstrap_condition_means.
    """
    samples = metrics.bootstrap_condition_means(outcomes.correct, **bootstrap)  # (B, M)
    resampled = metrics.by_corruption(samples, outcomes.conditions)  # {name: (B, severities)}
    ours = []
    for name in CORRUPTIONS:
        rows = accuracy[accuracy.condition == name]  # one per severity
        lo, hi = metrics.percentile_interval(resampled[name].mean(axis=-1))
        row = rows.iloc[0].to_dict()
        row["value"] = rows.value.mean()
        row["lo"] = lo
        row["hi"] = hi
        ours.append(row)
    severities = {severity for _, severity in outcomes.conditions} - {0}
    theirs = _published_means(published, severities)
    return pd.concat([pd.DataFrame(ours), theirs], ignore_index=True).drop(columns=["severity"])


def _published_means(published: pd.DataFrame, severities: set[int]) -> pd.DataFrame:
    """Published accuracy per model and corruption, the mean over `severities`."""
    chosen = published.severity.isin(severities) & published.corruption.isin(CORRUPTIONS)
    groups = published.loc[chosen].groupby(["model", "corruption"], sort=False)
    table = groups.accuracy.mean().reset_index()
    return _in_our_columns(table)


def _in_our_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Published accuracies with the names that our tables give to the columns."""
    names = {"corruption": "condition", "accuracy": "value"}
    return table.rename(columns=names).assign(origin="official")


def gaps_to_published(compared: pd.DataFrame, *, model: str, margin: float) -> pd.DataFrame:
    """A row per corruption: how far `model` lies outside the span of STANDARD_TRAINING, fractions.

    `reading` says what a gap of more than `margin` can mean: the network's, where the images are
    the published ones to the byte; the texture's, for frost; else unexplained, because network and
    generator both differ.
    """
    wide = compared.pivot(index="condition", columns="model", values="value").loc[list(CORRUPTIONS)]
    theirs = wide.loc[:, list(STANDARD_TRAINING)]
    low = theirs.min(axis=1)
    high = theirs.max(axis=1)
    gaps = _outside(wide.loc[:, model], low, high)
    origins = compared.loc[compared.model == model].set_index("condition").origin
    readings = []
    for name, gap in gaps.items():
        readings.append(_reading(str(name), origins[name], gap, margin))
    table = pd.DataFrame(
        {
            "ours": wide.loc[:, model],
            "published low": low,
            "published high": high,
            "gap": gaps,
            "reading": readings,
        }
    )
    return table.reset_index(names="corruption")


def published_by_severity(accuracy: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Accuracy rows by corruption and severity: ours of clean and the 15, then STANDARD_TRAINING's.

    The published rows are at the same severities, clean accuracy among them where it is published.
    """
    standard = published.loc[published.model.isin(STANDARD_TRAINING)]
    clean = standard.drop_duplicates("model").assign(corruption="clean", severity=0)
    clean = clean.assign(accuracy=clean.clean_accuracy).dropna(subset=["accuracy"])
    theirs = _in_our_columns(pd.concat([clean, standard]))
    ours = accuracy.loc[accuracy.condition.isin(("clean", *CORRUPTIONS))]
    shared = theirs.condition.isin(ours.condition) & theirs.severity.isin(ours.severity)
    theirs = theirs.loc[shared, ["model", "condition", "severity", "value", "origin"]]
    return pd.concat([ours, theirs], ignore_index=True)


def gaps_by_severity(rows: pd.DataFrame, *, model: str) -> pd.DataFrame:
    """How far `model` lies outside the span of STANDARD_TRAINING: fractions, 0 within the span.

    `rows` are those of `published_by_severity`; the table has a row per corruption and a column per
    severity.
    """
    corrupted = rows.loc[rows.condition != "clean"]
    cells = corrupted.pivot(index=["condition", "severity"], columns="model", values="value")
    theirs = cells.loc[:, list(STANDARD_TRAINING)]
    gaps = _outside(cells.loc[:, model], theirs.min(axis=1), theirs.max(axis=1))
    return gaps.unstack("severity").loc[list(CORRUPTIONS)]


def _outside(value: pd.Series, low: pd.Series, high: pd.Series) -> pd.Series:
    """The signed distance of each value from the span [low, high], 0 within it."""
    return (value - high).clip(lower=0) + (value - low).clip(upper=0)


def _reading(name: str, origin: str, gap: float, margin: float) -> str:
    """The explanation in words of a gap under the corruption `name`."""
    if origin in ("subset", "standin"):
        return "other images: not comparable"
    if abs(gap) <= margin:
        return "within the margin"
    if origin in ("official", "identical"):
        return "same images: the network's"
    if name == "frost":
        return "frost texture ours"
    return "unexplained: network and generator differ"


def md5_parity(test: ImageSet) -> pd.DataFrame:
    """A row per corruption: the published MD5, and in words whether our file has the same.

    Only the files that the tests prove identical are made here, and only from the whole official
    test set.
    """
    rows = []
    for name in CORRUPTIONS + EXTRAS:
        rows.append(
            {
                "corruption": name,
                "published MD5": corruptions.PUBLISHED_MD5[name],
                "identical": _has_published_md5(test, name),
            }
        )
    return pd.DataFrame(rows)


def _has_published_md5(test: ImageSet, name: str) -> bool | str:
    """Whether the file regenerated from `test` has the published MD5; a reason where not made."""
    if name in RANDOM:
        return "random draws: cannot match"
    if name not in corruptions.IDENTICAL:
        return "no: see the tests for how close"
    if test.origin != "official":
        return "not checked here"
    return corruptions.regenerated_md5(test.images, name) == corruptions.PUBLISHED_MD5[name]
