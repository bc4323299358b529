"""Failure detection: activations, the auditor and other scores, comparisons, risk control."""

from visionfail.failure.activations import LAYERS, Activations, concatenate, extract
from visionfail.failure.auditor import Auditor
from visionfail.failure.auditor import fit_auditor as fit
from visionfail.failure.budget_table import STARTS, budget_table, scored_by
from visionfail.failure.compare import (
    AUGRC,
    AURC,
    FEW,
    MARGIN,
    Scored,
    auroc_rows,
    aurocs,
    comparison_table,
    count_corrected,
    has_enough_failures,
    load_comparison,
    risk_coverage_by_seed,
    save_comparison,
)
from visionfail.failure.detectors import Detectors, fit_auditors, fit_baselines, fit_detectors
from visionfail.failure.distances import RelativeMahalanobis, Vim
from visionfail.failure.ensemble import advice, ensemble_scores
from visionfail.failure.importance import (
    channel_importance,
    most_active_images,
    scores_from_single_layers,
    scores_with_shuffled_layers,
)
from visionfail.failure.layers import choose_layers
from visionfail.failure.monitor import (
    SHOWN,
    STEM,
    Monitor,
    load_monitor,
    monitor_answer,
    save_monitor,
)
from visionfail.failure.more_seeds import seeds_to_decide, seeds_to_exclude
from visionfail.failure.passes import mc_dropout_score, moved_images_score
from visionfail.failure.risk_control import (
    candidate_thresholds,
    evaluate_threshold,
    resplit,
    simulate_starts,
    threshold,
)
from visionfail.failure.scores import confidence_of, scores_from_logits
from visionfail.failure.several import Task, fit_several

__all__ = [
    "AUGRC",
    "AURC",
    "FEW",
    "LAYERS",
    "MARGIN",
    "SHOWN",
    "STARTS",
    "STEM",
    "Activations",
    "Auditor",
    "Detectors",
    "Monitor",
    "RelativeMahalanobis",
    "Scored",
    "Task",
    "Vim",
    "advice",
    "auroc_rows",
    "aurocs",
    "budget_table",
    "candidate_thresholds",
    "channel_importance",
    "choose_layers",
    "comparison_table",
    "concatenate",
    "confidence_of",
    "count_corrected",
    "ensemble_scores",
    "evaluate_threshold",
    "extract",
    "fit",
    "fit_auditors",
    "fit_baselines",
    "fit_detectors",
    "fit_several",
    "has_enough_failures",
    "load_comparison",
    "load_monitor",
    "mc_dropout_score",
    "monitor_answer",
    "most_active_images",
    "moved_images_score",
    "resplit",
    "risk_coverage_by_seed",
    "save_comparison",
    "save_monitor",
    "scored_by",
    "scores_from_logits",
    "scores_from_single_layers",
    "scores_with_shuffled_layers",
    "seeds_to_decide",
    "seeds_to_exclude",
    "simulate_starts",
    "threshold",
]
