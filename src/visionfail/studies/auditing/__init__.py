"""Study C: knowing when a classifier is wrong."""

from visionfail.studies.auditing.budgets import (
    guarantee_table,
    pooled_risk,
    pooled_rows,
    resplit_table,
    risk_under_shift,
    safe_thresholds,
    score_by_seed,
    threshold_table,
)
from visionfail.studies.auditing.candidates import (
    best_start,
    candidates_by_seed,
    simulate_by_seed,
    start_rows,
    start_table,
)
from visionfail.studies.auditing.claims import judge_auditor
from visionfail.studies.auditing.classifier import (
    classifier_seeds,
    fit_fresh,
    mnist_classifier,
    mnist_sets,
)
from visionfail.studies.auditing.diversity import (
    circle_of_kinds,
    mean_lead,
    more_kinds_table,
    transfer_table,
)
from visionfail.studies.auditing.examples import (
    confident_failure,
    demo_digits,
    failure_captions,
    ranked_failures,
    score_histogram,
)
from visionfail.studies.auditing.held_out_families import (
    AUDITOR_SEEDS,
    FAMILIES,
    VAL_DRAWS,
    corrupt_mixed_severities,
    extract_all,
    mean_auroc,
    mixed_severities,
    score_held_out,
    split_by_severity,
)
from visionfail.studies.auditing.leakage import all_but_test, leakage_steps
from visionfail.studies.auditing.members import (
    best_baseline,
    held_out_aurocs,
    train_members,
)
from visionfail.studies.auditing.over_ends import compare_over_ends, widen_to_ends
from visionfail.studies.auditing.protocol import (
    TEST_SEED,
    VAL_SEED,
    accuracy_by_strength,
    extract_sample,
    train_detectors,
    training_draws,
)
from visionfail.studies.auditing.setup import load_classifiers, prepare_cifar10
from visionfail.studies.auditing.setup import prepare_auditing as prepare
from visionfail.studies.auditing.shifted_digits import (
    draw_shifted,
    samples_to_score,
    unseen_samples,
)
from visionfail.studies.auditing.slices import (
    auroc_by_layer,
    auroc_by_slice,
    scores_by_slice,
    scores_on_unseen,
    scores_without_each_shift,
    strength_thirds,
    within_without_each_shift,
)
from visionfail.studies.auditing.stored_ensemble import (
    ensemble_from_sweeps,
    members_under,
    stored_members,
)
from visionfail.studies.auditing.tables import budget_rows, principal_plane, result_rows

__all__ = [
    "AUDITOR_SEEDS",
    "FAMILIES",
    "TEST_SEED",
    "VAL_DRAWS",
    "VAL_SEED",
    "accuracy_by_strength",
    "all_but_test",
    "auroc_by_layer",
    "auroc_by_slice",
    "best_baseline",
    "best_start",
    "budget_rows",
    "candidates_by_seed",
    "circle_of_kinds",
    "classifier_seeds",
    "compare_over_ends",
    "confident_failure",
    "corrupt_mixed_severities",
    "demo_digits",
    "draw_shifted",
    "ensemble_from_sweeps",
    "extract_all",
    "extract_sample",
    "failure_captions",
    "fit_fresh",
    "guarantee_table",
    "held_out_aurocs",
    "judge_auditor",
    "leakage_steps",
    "load_classifiers",
    "mean_auroc",
    "mean_lead",
    "members_under",
    "mixed_severities",
    "mnist_classifier",
    "mnist_sets",
    "more_kinds_table",
    "pooled_risk",
    "pooled_rows",
    "prepare",
    "prepare_cifar10",
    "principal_plane",
    "ranked_failures",
    "resplit_table",
    "result_rows",
    "risk_under_shift",
    "safe_thresholds",
    "samples_to_score",
    "score_by_seed",
    "score_held_out",
    "score_histogram",
    "scores_by_slice",
    "scores_on_unseen",
    "scores_without_each_shift",
    "simulate_by_seed",
    "split_by_severity",
    "start_rows",
    "start_table",
    "stored_members",
    "strength_thirds",
    "threshold_table",
    "train_detectors",
    "train_members",
    "training_draws",
    "transfer_table",
    "unseen_samples",
    "widen_to_ends",
    "within_without_each_shift",
]
