"""Budgets of risk in one table: thresholds from two sets of images, judged on others."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from visionfail.failure.activations import Activations
from visionfail.failure.auditor import Auditor
from visionfail.failure.compare import Scored
from visionfail.failure.risk_control import (
    DELTA,
    candidate_thresholds,
    evaluate_threshold,
    simulate_starts,
    threshold,
)
from visionfail.failure.scores import scores_from_logits

STARTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # coverages at which a search may start
REPEATS = 200  # simulated searches from each start


def scored_by(auditor: Auditor, activations: Activations) -> Scored:
    """The failure scores "auditor" and "1 - confidence" of the images of `activations`."""
    scores = {"auditor": auditor.score(activations.features())}
    scores["1 - confidence"] = scores_from_logits(activations.logits)["1 - confidence"]
    return Scored(scores, activations.failed, np.arange(len(activations.labels)))


def budget_table(
    proposed_on: Scored,
    chosen_on: Scored,
    tested_on: Mapping[str, Scored],
    *,
    detectors: Sequence[str],
    budgets: Sequence[float],
    delta: float = DELTA,
) -> pd.DataFrame:
    """A row per detector, budget and condition of `tested_on`: what its threshold does there.

    Images of `proposed_on` fix the candidate thresholds and where their search starts, those of
    `chosen_on` choose among them; no image may be in two of the three. Columns: detector, budget,
    condition, threshold (NaN: none is safe, nothing is accepted), coverage, risk, lo, hi (Wilson),
    accepted, n, and failing, the share of wrong answers if all are accepted.
    """
    rows = []
    for detector in detectors:
        for budget in budgets:
            limit = _choose(proposed_on, chosen_on, detector, budget=budget, delta=delta)
            for condition, scored in tested_on.items():
                row = {"detector": detector, "budget": budget, "condition": condition}
                row["threshold"] = np.nan if limit is None else limit
                row.update(evaluate_threshold(scored.scores[detector], scored.failed, limit))
                row["failing"] = scored.failed.mean()
                rows.append(row)
    return pd.DataFrame(rows)


def _choose(
    proposed_on: Scored, chosen_on: Scored, detector: str, *, budget: float, delta: float
) -> float | None:
    """The threshold of one detector for one budget, None where none is safe."""
    simulated = simulate_starts(
        proposed_on.scores[detector],
        proposed_on.failed,
        starts=STARTS,
        budget=budget,
        n=len(chosen_on.failed),
        repeats=REPEATS,
        generator=np.random.default_rng(0),
        delta=delta,
    )
    start = float(simulated.set_index("start").coverage.idxmax())  # the lowest of equal ones
    return threshold(
        chosen_on.scores[detector],
        chosen_on.failed,
        candidates=candidate_thresholds(proposed_on.scores[detector], start=start),
        budget=budget,
        delta=delta,
    )
