"""The claims about the safe/unsafe classifier (notes/claims.md), judged for one set."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.claims import CORRECTED, JUDGED, Claim
from visionfail.metrics import Estimate
from visionfail.risk import sheet
from visionfail.risk.decisions import Scored
from visionfail.risk.experiments import balanced_accuracy
from visionfail.risk.sets import NAMES
from visionfail.risk.study import Studied

SEVERITY = 3  # of worse pictures
HALF = 0.5
BOOTSTRAPS = 10_000
OF_UNSAFE = ("E6", "E7")  # claims about unsafe pictures alone
AFTERWARDS = ("E1", "E3b", "E4", "E8")  # statistics that were corrected after a first verdict

RISK_CLAIMS = (
    Claim(
        key="E1",
        words="it is 85 to 95% accurate",
        statistic="accuracy at 0.5, mean of safe and unsafe",
        low=0.85,
        high=0.95,
    ),
    Claim(
        key="E2",
        words="500 pictures a class are enough",
        statistic="accuracy with 500 training pictures a class minus with all",
        low=-0.02,
    ),
    Claim(
        key="E3a",
        words="the model has 45 MB",
        statistic="megabytes of the float32 file",
        low=40.0,
        high=50.0,
    ),
    Claim(
        key="E3b",
        words="a picture takes 100 to 500 ms on a CPU",
        statistic="median milliseconds, batch 1",
        low=100.0,
        high=500.0,
    ),
    Claim(
        key="E4",
        words="low quality makes it fail",
        statistic="accuracy at 0.5, clean minus worse pictures at severity 3",
        low=0.05,
    ),
    Claim(
        key="E5",
        words="new contexts make it fail",
        statistic="error of classes left out of training minus when learnt",
        low=0.05,
    ),
    Claim(
        key="E6",
        words="mixed pictures make it fail",
        statistic="share of unsafe missed beside a safe one in one frame minus alone",
        low=0.05,
    ),
    Claim(
        key="E7",
        words="imbalance makes it fail",
        statistic="share of unsafe missed, one unsafe in 21 minus half and half",
        low=0.05,
    ),
    Claim(
        key="E8",
        words="adversarial pictures make it fail",
        statistic="share of unsafe missed under PGD at 2/255 minus clean",
        low=0.05,
    ),
)


def judge_risk(studied: Studied, *, threshold: float, status: str) -> pd.DataFrame:
    """A row per claim that was measured on a set, with the columns JUDGED."""
    found = values_of(studied, threshold)
    name = studied.made["set"]
    rows = []
    for claim in RISK_CLAIMS:
        if claim.key in found:
            value, lo, hi, n = found[claim.key]
            row = claim.judge_interval(value, lo, hi)
            row |= {"claim": f"{claim.key} {NAMES.get(name, name)}", "n": n}
            after = f", {CORRECTED}" if claim.key in AFTERWARDS else ""
            rows.append({**row, "status": f"{status}{after}, weights {studied.made['weights']}"})
    table = pd.DataFrame(rows)
    table["source"] = "working hypothesis"
    table["model"] = "imagenet_resnet18"
    table["seed"] = studied.config.seed
    return table.loc[:, list(JUDGED)]


def values_of(studied: Studied, threshold: float) -> dict[str, tuple[float, float, float, int]]:
    """{claim: (value, lo, hi, n)}: n groups, or repeats of a timing."""
    clean = studied.clean
    counts = clean.counts(bootstraps=BOOTSTRAPS)  # verdicts near an edge must not hang on a draw
    n = len(np.unique(clean.groups))
    accuracy = balanced_accuracy(clean, HALF, counts)
    worse = worse_accuracy(studied.scored, counts)
    found = {
        "E1": (*accuracy.interval(), n),
        "E4": (*(accuracy - worse).interval(), n),
        "E8": (*attack_costs(studied, threshold).interval(), _groups_under_attack(studied)),
    }
    unsafe = len(np.unique(clean.groups[clean.labels == 1]))
    for row in studied.made["tables"]["values"]:
        if row["claim"] == "E2" and 1000 not in studied.table("curve")["size"].tolist():
            continue  # "all" has hardly more than 500 a class: nothing to compare with
        of = unsafe if row["claim"] in OF_UNSAFE else n
        found[row["claim"]] = (row["value"], row["lo"], row["hi"], of)
    formats = studied.table("formats")
    sizes = formats.loc[formats.format == "onnx", "size_mb"].dropna()
    if len(sizes):
        found["E3a"] = (sizes.iloc[0], sizes.iloc[0], sizes.iloc[0], 1)
    one = formats.loc[(formats.format == "torch") & (formats.batch == 1)].iloc[0]
    found["E3b"] = (one.p50_ms, one.p50_lo, one.p50_hi, int(one.n))
    return found


def worse_accuracy(scored: Mapping[sheet.Condition, Scored], counts: np.ndarray) -> Estimate:
    """The mean over worse pictures at SEVERITY of the accuracy at a score of 0.5."""
    parts = [
        balanced_accuracy(of_condition, HALF, counts)
        for (_, severity), of_condition in scored.items()
        if severity == SEVERITY
    ]
    return metrics.mean_of_estimates(parts)


def attack_costs(studied: Studied, threshold: float) -> Estimate:
    """The share of unsafe pictures missed under attack minus clean, on the attacked groups."""
    attacked = studied.scored[sheet.ATTACK]
    clean = studied.clean
    moved = attacked.labels == 1
    chosen = np.isin(clean.groups, attacked.groups[moved]) & (clean.labels == 1)
    same = Scored(clean.score[chosen], clean.labels[chosen], clean.groups[chosen])
    missed = [
        metrics.ratio_of_sums([lost], [np.ones_like(lost)], same.counts(bootstraps=BOOTSTRAPS))
        for lost in (
            same.of_groups(attacked.score[moved] < threshold),
            same.of_groups(same.score < threshold),
        )
    ]
    return missed[0] - missed[1]


def _groups_under_attack(studied: Studied) -> int:
    """How many unsafe groups were attacked."""
    attacked = studied.scored[sheet.ATTACK]
    return len(np.unique(attacked.groups[attacked.labels == 1]))
