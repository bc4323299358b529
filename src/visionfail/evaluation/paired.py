"""Two sweeps on the same images, condition by condition."""

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.evaluation.outcomes import Outcomes


def paired_by_condition(
    a: Outcomes, b: Outcomes, *, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """Accuracy of a minus that of b by condition, on the same images: difference with its 95%
    bootstrap interval over images, exact McNemar p, the same after Holm over all conditions, n.
    ValueError for other images or conditions.
    """
    if a.conditions != b.conditions or a.made["images"] != b.made["images"]:
        raise ValueError(
            "the two sweeps are of other images or conditions: a paired comparison needs the same."
        )
    both = np.concatenate([a.correct, b.correct])
    samples = metrics.bootstrap_condition_means(both, bootstraps=bootstraps, generator=generator)
    lo, hi = metrics.percentile_interval(
        samples[:, : len(a.correct)] - samples[:, len(a.correct) :]
    )
    table = pd.DataFrame(a.conditions, columns=["condition", "severity"])
    table["difference"] = a.correct.mean(axis=1) - b.correct.mean(axis=1)
    table["lo"], table["hi"] = lo, hi
    table["p"] = [metrics.mcnemar_exact(x, y) for x, y in zip(a.correct, b.correct, strict=True)]
    return table.assign(p_holm=metrics.holm(table.p), n=len(a.labels))


def accuracy_drops(
    outcomes: Outcomes, *, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """What each corruption costs: clean accuracy minus accuracy at its highest severity, and on the
    mean of its severities, each with its 95% bootstrap interval over images; the dearest first.
    Fractions.
    """
    exact = outcomes.correct.mean(axis=1)[None]
    samples = metrics.bootstrap_condition_means(
        outcomes.correct, bootstraps=bootstraps, generator=generator
    )
    exact, samples = (
        metrics.by_corruption(values, outcomes.conditions) for values in (exact, samples)
    )
    lines = []
    for name in exact:
        if name != "clean":
            line = {"corruption": name}
            for label, pick in {
                "highest": lambda a: a[:, -1],
                "mean": lambda a: a.mean(axis=1),
            }.items():
                value, spread = (
                    values["clean"][:, 0] - pick(values[name]) for values in (exact, samples)
                )
                lo, hi = metrics.percentile_interval(spread)
                line |= {label: float(value[0]), f"{label} lo": lo, f"{label} hi": hi}
            lines.append(line | {"n": len(outcomes.labels)})
    return pd.DataFrame(lines).sort_values("highest", ascending=False, ignore_index=True)
