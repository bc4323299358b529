"""What is said of anybody's model: tables and words of what was measured."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from visionfail import failure, metrics
from visionfail.evaluation import Outcomes
from visionfail.failure import Scored
from visionfail.names import with_interval
from visionfail.studies import degradation
from visionfail.studies.degradation import regimes

AUDITOR, CONFIDENCE = "auditor", "1 - confidence"
FEWEST_OF_CLASS = 20  # images of a class of which something is said


def regime_notes(outcomes: Outcomes, *, bootstraps: int) -> tuple[pd.DataFrame, dict[str, str]]:
    """(`degradation.severity_regimes` of a sweep, {corruption: its regime in words}).

    A question mark stands where fewer than 97.5% of the resamples of the images agree.
    """
    generator = np.random.default_rng(0)
    table = degradation.severity_regimes(outcomes, bootstraps=bootstraps, generator=generator)
    notes = {}
    for row in table.to_dict("records"):
        doubt = "?" if row["regime"] == regimes.UNSTABLE else ""
        notes[row["corruption"]] = f"{row['point']}{doubt}"
    return table, notes


def auditor_leads(fresh: Mapping[str, Scored], counts: np.ndarray) -> pd.DataFrame:
    """A row per condition: AUROC of auditor and confidence, lead, lo, hi (95%), failures, n.

    Counts (B, N) say how often each resample holds each image. A condition in which fewer than
    `failure.FEW` answers are right, or wrong, has no AUROC.
    """
    rows = []
    for condition, scored in fresh.items():
        n = len(scored.failed)
        row: dict[str, object] = {"condition": condition, AUDITOR: np.nan, CONFIDENCE: np.nan}
        row.update({"lead": np.nan, "lo": np.nan, "hi": np.nan})
        if failure.has_enough_failures([scored]):
            estimates = failure.aurocs([scored], counts)
            for detector in (AUDITOR, CONFIDENCE):
                row[detector] = float(estimates[detector].exact[0])
            lead = estimates[AUDITOR] - estimates[CONFIDENCE]
            row["lead"], row["lo"], row["hi"] = lead.interval()
        rows.append({**row, "failures": int(scored.failed.sum()), "n": n})
    return pd.DataFrame(rows)


def decision_texts(sheet: pd.DataFrame) -> pd.DataFrame:
    """`failure.budget_table` in words: budget, detector, condition, accepted, wrong among these."""
    rows = []
    for row in sheet.to_dict("records"):
        wrong = "nothing is accepted"
        if row["accepted"]:
            wrong = with_interval(row["risk"], row["lo"], row["hi"], form=".1%")
        told = {"budget": f"{row['budget']:.0%}", "detector": row["detector"]}
        told.update({"condition": row["condition"], "accepted": f"{row['coverage']:.1%}"})
        rows.append({**told, "wrong among these": wrong, "n": f"{row['n']:,}"})
    return pd.DataFrame(rows)


def decision_sentence(row: Mapping) -> str:
    """What a row of `failure.budget_table` says: how much is accepted, and how much of it wrong."""
    if not row["accepted"]:
        return f"for {row['detector']} no threshold could be shown to be safe: nothing is accepted"
    return (
        f"{row['detector']} accepts {row['coverage']:.1%} of n = {row['n']:,}, "
        f"{row['risk']:.1%} of these wrong ({row['lo']:.1%} to {row['hi']:.1%})"
    )


def own_rows(
    accuracy: pd.DataFrame,
    by_class: pd.DataFrame,
    attacked: pd.DataFrame,
    leads: pd.DataFrame,
    sheet: pd.DataFrame,
    *,
    severity: int,
    common: Mapping,
) -> list[dict]:
    """Rows of results/: accuracy by condition, class and attack, leads, risks; `common` in each.

    `by_class` is `accuracy_by_class` at `severity`, `leads` `auditor_leads`, `sheet`
    `failure.budget_table`.
    """
    rows = accuracy.to_dict("records")
    for row in by_class.to_dict("records"):
        level = 0 if row["condition"] == "clean" else severity
        for measure in ("accuracy", "sure_and_wrong"):
            ends = {"lo": row[f"{measure}_lo"], "hi": row[f"{measure}_hi"]}
            told = _row({**row, **ends}, measure, metric=f"{measure} of class {row['class']}")
            rows.append({**told, "severity": level})
    for row in attacked.to_dict("records"):
        condition = f"{row['attack']} {row['epsilon']:g}/255"
        rows.append(_row({**row, "condition": condition}, "value", metric="accuracy"))
    for row in leads.dropna(subset=["lead"]).to_dict("records"):
        rows.append(_row(row, "lead", metric="AUROC, auditor minus confidence"))
    for row in sheet.loc[sheet.accepted > 0].to_dict("records"):
        metric = f"risk, {row['detector']}, budget {row['budget']:g}"
        rows.append(_row({**row, "n": row["accepted"]}, "risk", metric=metric))
    return [{**row, **common} for row in rows]


def _row(row: Mapping, column: str, *, metric: str) -> dict:
    """A row of results/ with the value in `column`, its interval and n."""
    kept = {name: row[name] for name in ("condition", "lo", "hi", "n")}
    return {**kept, "metric": metric, "value": row[column]}


def calibration_rows(
    eces: Mapping[tuple[str, int], float], more: Sequence[float], *, n: int, common: Mapping
) -> list[dict]:
    """Rows of results/: the ECE by (condition, severity), and `overconfidence` of the last."""
    rows = []
    for (condition, severity), value in eces.items():
        measured = {"condition": condition, "severity": severity, "metric": "ece", "value": value}
        rows.append({**common, **measured, "n": n})
    value, lo, hi = more
    last = {**rows[-1], "metric": "overconfidence beyond clean", "value": value}
    return [*rows, {**last, "lo": lo, "hi": hi}]


def most_harmed(by_class: pd.DataFrame, condition: str) -> pd.Series:
    """The row of the class with the lowest accuracy under a condition of `accuracy_by_class`."""
    of_condition = by_class.loc[by_class["condition"] == condition]
    return of_condition.loc[of_condition["accuracy"].idxmin()]


def harm_words(by_class: pd.DataFrame, condition: str, *, sure: float) -> str:
    """Who is worst off under a condition of `accuracy_by_class`, in one sentence.

    Where several classes are never answered rightly they are counted, for none of them is worse
    than another.
    """
    of_condition = by_class.loc[by_class["condition"] == condition]
    never = of_condition.loc[of_condition["accuracy"] == 0, "class"]
    if len(never) > 1:
        named = ", ".join(never[:3]) + (" and others" if len(never) > 3 else "")
        return f"{len(never)} of {len(of_condition)} classes get no right answer: {named}"
    worst = most_harmed(by_class, condition)
    words = f"{worst['class']} is worst off: {worst['accuracy']:.0%} right"
    return f"{words}, {worst['sure_and_wrong']:.0%} wrong and over {sure:.0%} sure"


def overconfidence(
    outcomes: Outcomes, condition: tuple[str, int], counts: np.ndarray
) -> tuple[float, float, float]:
    """(value, lo, hi) of how much surer it is than right, under a condition minus clean.

    Sure minus right is the mean confidence minus the accuracy. Paired by image; counts (B, N) say
    how often each resample holds each image.
    """
    gaps = outcomes.confidence - outcomes.correct  # (conditions, N)
    more = gaps[outcomes.at(*condition)] - gaps[outcomes.at("clean", 0)]
    return metrics.ratio_of_sums([more], [np.ones(len(more))], counts).interval()


def lead_sentence(row: Mapping) -> str:
    """What a row of `auditor_leads` says, too few failures included."""
    if np.isnan(row["lead"]):
        return f"Of {row['failures']} failures in n = {row['n']:,} no AUROC can be given."
    ahead = "neither is ahead"
    if row["lo"] > 0:
        ahead = "the auditor tells them apart better"
    if row["hi"] < 0:
        ahead = "confidence tells them apart better"
    return (
        f"AUROC of the auditor {row[AUDITOR]:.3f}, {row['lead']:+.3f} from confidence's "
        f"({row['lo']:+.3f} to {row['hi']:+.3f}): {ahead}."
    )


def expectation(lo: float, hi: float, *, limit: float, below: bool) -> str:
    """Whether a value with this 95% interval lies below a limit, or above it: in three words.

    "as expected" and "not as expected" need the whole interval on one side; else, and where there
    is none, "undecided".
    """
    if hi < limit:
        return "as expected" if below else "not as expected"
    if lo > limit:
        return "not as expected" if below else "as expected"
    return "undecided"


def broken_budgets(sheet: pd.DataFrame, conditions: Sequence[str]) -> list[str]:
    """The "detector under condition" where a row's whole interval of risk lies above its budget."""
    broken = sheet.loc[(sheet["lo"] > sheet["budget"]) & sheet["condition"].isin(conditions)]
    return [f"{row['detector']} under {row['condition']}" for row in broken.to_dict("records")]
