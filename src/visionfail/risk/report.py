"""What an evaluation finds beside the two rates: counts, prevalences, review band, subgroups."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.names import with_interval
from visionfail.risk import decisions
from visionfail.risk.calibration import Calibration
from visionfail.risk.config import RiskConfig
from visionfail.risk.decisions import Scored
from visionfail.risk.gate import PEOPLE_BELOW
from visionfail.risk.pictures import CLASSES
from visionfail.risk.subgroups import brightness_kinds, by_kind_table

DECIDED = ("passed", "flagged")
PREVALENCES = (0.001, 0.01, 0.1)  # stated beside the one that is set
ECE = "ECE of the predicted class, 15 bins of equal width"
MEASURES = {
    "ECE": f"{ECE}, calibrated",
    "ECE raw": f"{ECE}, the network's own",
    "Brier": "Brier score, calibrated",
    "Brier raw": "Brier score, the network's own",
}


@dataclass(frozen=True, eq=False)
class Details:
    """Tables of an evaluation.

    confusion: pictures (2, 2), rows safe and unsafe, columns passed and flagged; at_work: a row per
    prevalence and quantity; band: of `decisions.review_band` from score `low` to score `high`;
    subgroups: {what they are of: of `by_kind_table`}, by kind only where a picture has one.
    """

    confusion: np.ndarray
    at_work: pd.DataFrame
    band: pd.DataFrame
    low: float
    high: float
    subgroups: dict[str, pd.DataFrame]
    calibration: Calibration


def details_of(
    scored: Scored,
    threshold: float,
    config: RiskConfig,
    *,
    calibration: Calibration,
    kinds: Sequence[str],
    brightness: np.ndarray,
) -> Details:
    """The details of test pictures at a threshold; kinds and brightness are (N,)."""
    flagged = (scored.score >= threshold).astype(int)
    confusion = metrics.confusion_matrix(flagged, scored.labels, num_classes=2)
    high = max(threshold, float(calibration.score_at(PEOPLE_BELOW)))
    counts = scored.counts()
    prevalence = config.prevalence
    band = decisions.review_band(scored, threshold, high, counts, prevalence=prevalence)
    return Details(
        confusion,
        at_work_table(
            scored,
            threshold,
            cost_ratio=config.cost_ratio,
            prevalences=(*PREVALENCES, config.prevalence),
        ),
        band,
        threshold,
        high,
        subgroups_of(scored, threshold, kinds=kinds, brightness=brightness),
        calibration,
    )


def at_work_table(
    scored: Scored,
    threshold: float,
    *,
    cost_ratio: float,
    prevalences: Iterable[float] = PREVALENCES,
) -> pd.DataFrame:
    """Coverage, residual risk and cost at several prevalences, 95% over groups.

    Columns: prevalence, quantity, value, lo, hi, n.
    """
    tables = []
    counts = scored.counts()
    for prevalence in sorted(set(prevalences)):
        table = decisions.rates_table(
            scored, threshold, prevalence=prevalence, cost_ratio=cost_ratio, counts=counts
        )
        table = table[~table.quantity.isin(["missed", "alarmed"])]  # the same at every prevalence
        tables.append(table.assign(prevalence=prevalence))
    columns = ["prevalence", "quantity", "value", "lo", "hi", "n"]
    return pd.concat(tables, ignore_index=True).loc[:, columns]


def subgroups_of(
    scored: Scored, threshold: float, *, kinds: Sequence[str], brightness: np.ndarray
) -> dict[str, pd.DataFrame]:
    """{"kind", "brightness": table of `by_kind_table`}; no "kind" where no picture has one."""
    found = {}
    if any(kinds):
        found["kind"] = by_kind_table(scored, kinds_of_groups(scored, kinds), threshold)
    thirds = brightness_kinds(brightness, scored)
    found["brightness"] = by_kind_table(scored, thirds, threshold)
    return found


def kinds_of_groups(scored: Scored, kinds: Sequence[str]) -> list[str]:
    """The kind of each picture with its class, (N,), one for all that a group has of a class.

    "several kinds" where they differ within it, and "no kind" for an empty one.
    """
    names, number = np.unique(np.array(kinds), return_inverse=True)
    mean = scored.of_groups(number)
    differs = scored.of_groups(number**2) - mean**2 > 1e-9  # (G,)
    several = scored.of_pictures(differs)  # (N,)
    found = []
    for k, label, mixed in zip(number, scored.labels, several, strict=True):
        name = "several kinds" if mixed else str(names[k]) or "no kind"
        found.append(f"{name}, {CLASSES[label]}")
    return found


def record_of(details: Details) -> dict:
    """The details as report.json has them."""
    confusion = {}
    for name, row in zip(CLASSES, details.confusion, strict=True):
        confusion[name] = dict(zip(DECIDED, row.tolist(), strict=True))
    subgroups = {of: table.to_dict("records") for of, table in details.subgroups.items()}
    return {
        "confusion": confusion,
        "at_work": details.at_work.to_dict("records"),
        "review_band": {
            "from_score": details.low,
            "to_score": details.high,
            "to_probability": PEOPLE_BELOW,
            "parts": details.band.to_dict("records"),
        },
        "subgroups": subgroups,
        "calibration": vars(details.calibration),
        "definitions": MEASURES,
    }


def lines_of(details: Details) -> list[str]:
    """The details as lines to print."""
    fitted = details.calibration
    confusion = pd.DataFrame(details.confusion, CLASSES, DECIDED)
    parts = [
        f"calibration: log-odds times {fitted.slope:.3g}, plus {fitted.offset:.3g}",
        "pictures",
        _indented(confusion),
        "where so many are unsafe (95% over groups; cost of 1,000 pictures, in false alarms)",
        _indented(at_work_page(details.at_work), index=False),
        _band_words(details),
        _indented(band_page(details.band), index=False),
    ]
    for of, table in details.subgroups.items():
        parts.append(f"errors by {of}, the most first (95% over groups; p by permutation, Holm's)")
        parts.append(_indented(_subgroup_page(table), index=False))
    return "\n".join(parts).splitlines()


def _band_words(details: Details) -> str:
    """From which score to which the review band goes, or that there is none."""
    if details.low == details.high:
        return f"no review band: what is flagged has a probability of {PEOPLE_BELOW:g} at least"
    ends = f"scores {details.low:.3g} to {details.high:.3g}"
    return f"review band, {ends}, as with `predict --people-below {PEOPLE_BELOW:g}`"


def _indented(table: pd.DataFrame, *, index: bool = True) -> str:
    """A table as text, each line set in."""
    lines = table.to_string(index=index).splitlines()
    return "\n".join(f"   {line}" for line in lines)


def at_work_page(table: pd.DataFrame) -> pd.DataFrame:
    """A row per prevalence, numbers with their intervals in words."""
    rows = []
    for share in table.prevalence.unique():
        found = table[table.prevalence == share].set_index("quantity")
        row = {"unsafe": f"{100 * share:g}%"}
        row["pass unseen"] = _share(found.loc["coverage"])
        row["unsafe of 1,000 that pass"] = _thousandths(found.loc["residual risk"], digits=2)
        row["1,000 pictures cost"] = _thousandths(found.loc["cost"], digits=0)
        rows.append(row)
    return pd.DataFrame(rows)


def band_page(band: pd.DataFrame) -> pd.DataFrame:
    """A row per part of the review band, numbers with their intervals in words."""
    rows = []
    for part in band.to_dict("records"):
        row = {"part": part["part"]}
        for name in ("share", "unsafe"):
            row[name] = with_interval(
                part[name], part[f"{name} lo"], part[f"{name} hi"], form=".2%"
            )
        rows.append(row)
    return pd.DataFrame(rows)


def _subgroup_page(table: pd.DataFrame) -> pd.DataFrame:
    """A row per kind, numbers with their intervals in words."""
    return pd.DataFrame(
        {
            "kind": table.kind,
            "error": table.error,
            "share": [_share(row) for _, row in table.iterrows()],
            "n": table.n,
            "p": ["" if np.isnan(p) else f"{p:.3g}" for p in table.p_holm],
        }
    )


def _share(row: pd.Series) -> str:
    """A share with its interval, in percent."""
    value, lo, hi = row[["value", "lo", "hi"]]
    return with_interval(value, lo, hi, form=".1%")


def _thousandths(row: pd.Series, *, digits: int) -> str:
    """A thousand times a value and its interval."""
    value, lo, hi = row[["value", "lo", "hi"]]
    return with_interval(value, lo, hi, form=f",.{digits}f", scale=1000)
