"""The decision sheet: from a cost ratio to a threshold, to coverage and the risk that is left.

On the pictures as they are, as they get worse, and under attack: a threshold is chosen once, on
validation pictures, and what it does elsewhere is looked up.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch

from visionfail import attacks, corruptions
from visionfail.data import ImageSet, stratified_order
from visionfail.names import readable, with_interval
from visionfail.risk import decisions
from visionfail.risk.decisions import Scored
from visionfail.risk.saved import Classifier
from visionfail.risk.thresholds import Threshold

CORE = ("contrast", "fog", "motion_blur", "gaussian_noise", "jpeg_compression", "brightness")
WORSE = (*CORE, "pixelate")
SEVERITIES = (1, 3, 5)
CLEAN = ("clean", 0)
ATTACK = ("PGD, 2/255", 0)
INT8 = ("int8 export", 0)  # measured even where its gate refuses it
EPSILON = 2 / 255
Condition = tuple[str, int]


def conditions_for(side: int) -> list[Condition]:
    """Clean, then what of WORSE is defined for pictures of this side at SEVERITIES."""
    names = [name for name in WORSE if side == 32 or name in corruptions.ANY_SIZE]
    return [CLEAN, *((name, severity) for name in names for severity in SEVERITIES)]


def score_conditions(
    classifier: Classifier, images: ImageSet, conditions: Sequence[Condition], *, attacked: int
) -> dict[Condition, Scored]:
    """The scores of pictures under each condition; of `attacked_groups` under PGD too."""
    groups = images.group_numbers()
    labels = images.labels.numpy()
    scored = {}
    for name, severity in conditions:
        pictures = images.images
        if severity:
            pictures = corruptions.corrupt(pictures, name, severity)
        scored[name, severity] = Scored(classifier.score(pictures), labels, groups)
    if attacked:
        chosen = np.isin(groups, attacked_groups(labels, groups, attacked))
        few = images.at(torch.from_numpy(np.flatnonzero(chosen)))
        moved = attacks.pgd(
            classifier.model, few.images, few.labels, epsilon=EPSILON, steps=20, seed=0
        )
        scored[ATTACK] = Scored(classifier.score(moved), labels[chosen], groups[chosen])
    return scored


def attacked_groups(labels: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    """`count` of the groups, safe and unsafe in proportion, always the same."""
    names, first = np.unique(groups, return_index=True)
    return names[stratified_order(labels[first])[:count]]


def only_unsafe_attacked(attacked: Scored, clean: Scored) -> Scored:
    """The attacked unsafe pictures beside all safe ones as they are.

    Whoever attacks wants an unsafe picture to pass; nobody makes a safe one look unsafe.
    """
    moved = attacked.labels == 1
    safe = clean.labels == 0
    return Scored(
        np.concatenate([attacked.score[moved], clean.score[safe]]),
        np.concatenate([attacked.labels[moved], clean.labels[safe]]),
        np.concatenate([attacked.groups[moved], clean.groups[safe]]),
    )


def decision_sheet(
    scored: Mapping[Condition, Scored],
    chosen: Mapping[str, tuple[Threshold, float]],
    *,
    prevalence: float,
) -> pd.DataFrame:
    """A row per condition, rule and quantity: value, lo, hi (95% over groups), n groups.

    `chosen` {rule in words: (its threshold, what a miss costs in false alarms)}. Quantities are
    those of `rates_table`; promised says whether the rule promises anything, guaranteed whether
    that reaches the row: it is made on pictures as they are, so it reaches the clean ones alone.
    """
    tables = []
    for (name, severity), of_condition in scored.items():
        counts = of_condition.counts()
        for rule, (threshold, ratio) in chosen.items():
            table = decisions.rates_table(
                of_condition,
                threshold.value,
                prevalence=prevalence,
                cost_ratio=ratio,
                counts=counts,
            )
            clean = (name, severity) == CLEAN
            where = {"condition": name, "severity": severity, "rule": rule, "cost ratio": ratio}
            where["threshold"] = threshold.value
            where["promised"] = threshold.guaranteed
            where["guaranteed"] = clean and threshold.guaranteed
            tables.append(table.assign(**where))
    return pd.concat(tables, ignore_index=True)


def sheet_at(sheet: pd.DataFrame, rule: str) -> pd.DataFrame:
    """One rule's rows as a page: a row per condition, a column per quantity, in words."""
    rows = []
    of_rule = sheet.loc[sheet.rule == rule]
    for (name, severity), part in of_rule.groupby(["condition", "severity"], sort=False):
        rows.append({"condition": _named(name, severity), **_in_words(part)})
    return pd.DataFrame(rows)


def sheet_by_rule(sheet: pd.DataFrame, conditions: Sequence[Condition]) -> pd.DataFrame:
    """Some conditions' rows as a page: a row per rule and condition, its threshold in front."""
    rows = []
    for name, severity in conditions:
        there = sheet.loc[(sheet.condition == name) & (sheet.severity == severity)]
        for rule, part in there.groupby("rule", sort=False):
            row = {"condition": _named(name, severity), "rule": rule}
            row["flag from a score of"] = f"{part.threshold.iloc[0]:.4f}"
            rows.append({**row, **_in_words(part)})
    return pd.DataFrame(rows)


def worst_at(sheet: pd.DataFrame, severity: int) -> Condition:
    """The condition of this severity under which most unsafe pictures are missed, by any rule."""
    rows = sheet.loc[(sheet.severity == severity) & (sheet.quantity == "missed")]
    worst = rows.loc[rows.value.idxmax()]
    return str(worst.condition), severity


def _named(name: str, severity: int) -> str:
    """A condition in words."""
    return f"{readable(name)} {severity}" if severity else name


def _in_words(part: pd.DataFrame) -> dict[str, str]:
    """A column per quantity of the rows of one condition and rule."""
    values = part.set_index("quantity")
    reach = "yes" if values.guaranteed.all() else "does not reach here"
    return {
        "misses per 1,000 unsafe": _per_thousand(values.loc["missed"]),
        "false alarms per 1,000 safe": _per_thousand(values.loc["alarmed"]),
        "passes unseen": f"{values.value['coverage']:.1%}",
        "unsafe per 1,000 passed": _per_thousand(values.loc["residual risk"], digits=2),
        "1,000 pictures cost": _per_thousand(values.loc["cost"]),
        "guarantee": reach if values.promised.all() else "none",
        "n": f"{int(values.n['missed'])} unsafe, {int(values.n['alarmed'])} safe",
    }


def _per_thousand(row: pd.Series, *, digits: int = 0) -> str:
    """A share with its interval, per thousand."""
    value, lo, hi = row[["value", "lo", "hi"]]
    return with_interval(value, lo, hi, form=f".{digits}f", scale=1000)


def result_rows(sheet: pd.DataFrame, *, dataset: str, origin: str) -> list[dict]:
    """A set's decision sheet in the long form that results are stored in."""
    rows = []
    for line in sheet.to_dict("records"):
        row = {"dataset": dataset, "origin": origin, "split": "test", "seed": 0}
        row["model"] = "imagenet_resnet18"
        row["condition"] = line["condition"]
        row["severity"] = line["severity"]
        row["metric"] = f"{line['quantity']}, {line['rule']}"
        row.update({name: line[name] for name in ("value", "lo", "hi", "n")})
        rows.append(row)
    return rows
