"""Two sweeps on the same images, condition by condition."""

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.evaluation.outcomes import Outcomes


def paired_by_condition(
    a: Outcomes, b: Outcomes, *, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """A row per condition: accuracy of a minus that of b on the same images, in fractions.

    The difference has its 95% bootstrap interval over images; p is McNemar's exact one, p_holm the
    same after Holm over all conditions. ValueError where images or conditions differ.
    """
    of_a, of_b = _resampled_together(a, b, bootstraps, generator)
    lo, hi = metrics.percentile_interval(of_a - of_b)
    table = pd.DataFrame(a.conditions, columns=["condition", "severity"])
    table["difference"] = a.correct.mean(axis=1) - b.correct.mean(axis=1)
    table["lo"] = lo
    table["hi"] = hi
    table["p"] = [metrics.mcnemar_exact(x, y) for x, y in zip(a.correct, b.correct, strict=True)]
    return table.assign(p_holm=metrics.holm(table.p), n=len(a.labels))


def accuracy_drops(
    outcomes: Outcomes, *, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """A row per corruption, the dearest first: clean accuracy minus accuracy under it, fractions.

    "highest" is at its highest severity, "mean" over the mean of its severities, each with its 95%
    bootstrap interval over images.
    """
    samples = metrics.bootstrap_condition_means(
        outcomes.correct, bootstraps=bootstraps, generator=generator
    )  # (B, M)
    exact = outcomes.correct.mean(axis=1)[None]  # (1, M)
    accuracies = metrics.by_corruption(exact, outcomes.conditions)  # {name: (1, severities)}
    resampled = metrics.by_corruption(samples, outcomes.conditions)  # {name: (B, severities)}
    rows = []
    for name in accuracies:
        if name == "clean":
            continue
        row: dict[str, object] = {"corruption": name}
        spreads = _drops(resampled, name)
        for label, drop in _drops(accuracies, name).items():
            lo, hi = metrics.percentile_interval(spreads[label])
            row[label] = float(drop[0])
            row[f"{label} lo"] = lo
            row[f"{label} hi"] = hi
        row["n"] = len(outcomes.labels)
        rows.append(row)
    return pd.DataFrame(rows).sort_values("highest", ascending=False, ignore_index=True)


def paired_drops(
    a: Outcomes, b: Outcomes, *, bootstraps: int, generator: np.random.Generator
) -> pd.DataFrame:
    """A row per corruption: the drops of a and of b, mean of severities, and a's minus b's.

    Columns: corruption, a, b, difference, lo, hi (95%, bootstrap over images, paired), n; in
    fractions, the largest difference first. ValueError where images or conditions differ.
    """
    accuracies = []  # of a, of b: {name: (1 + B, severities)}, as measured and in each resample
    resampled = _resampled_together(a, b, bootstraps, generator)
    for outcomes, samples in zip((a, b), resampled, strict=True):
        measured = outcomes.correct.mean(axis=1)  # (M,)
        accuracies.append(metrics.by_corruption(np.vstack([measured, samples]), a.conditions))
    rows = []
    for name in accuracies[0]:
        if name != "clean":
            of_a, of_b = (_drops(each, name)["mean"] for each in accuracies)  # (1 + B,)
            difference = of_a - of_b
            lo, hi = metrics.percentile_interval(difference[1:])
            row = {"corruption": name, "a": of_a[0], "b": of_b[0], "difference": difference[0]}
            rows.append({**row, "lo": lo, "hi": hi, "n": len(a.labels)})
    return pd.DataFrame(rows).sort_values("difference", ascending=False, ignore_index=True)


def _resampled_together(
    a: Outcomes, b: Outcomes, bootstraps: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The accuracies (B, M) of a and of b: one resample of the images serves both.

    That is the pairing. ValueError where images or conditions differ.
    """
    if a.conditions != b.conditions or a.made["images"] != b.made["images"]:
        raise ValueError(
            "the two sweeps are of other images or conditions: a paired comparison needs the same."
        )
    both = np.concatenate([a.correct, b.correct])  # (2 M, N)
    samples = metrics.bootstrap_condition_means(both, bootstraps=bootstraps, generator=generator)
    return samples[:, : len(a.correct)], samples[:, len(a.correct) :]


def _drops(accuracies: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """{"highest", "mean"}: the drop from clean under one corruption, (B,), of (B, severities)."""
    clean = accuracies["clean"][:, 0]
    return {
        "highest": clean - accuracies[name][:, -1],
        "mean": clean - accuracies[name].mean(axis=1),
    }
