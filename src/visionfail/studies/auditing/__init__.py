"""Study C: knowing when a classifier is wrong."""

from visionfail.studies.auditing.budgets import (
    candidates_by_seed,
    guarantee_table,
    pooled_risk,
    resplit_table,
    risk_under_shift,
    safe_thresholds,
    threshold_table,
)
from visionfail.studies.auditing.claims import judge_auditor
from visionfail.studies.auditing.classifier import (
    classifier_seeds,
    fit_fresh,
    mnist_classifier,
    mnist_sets,
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
    corrupt_mixed_severities,
    extract_all,
    mean_auroc,
    mixed_severities,
    score_held_out,
    split_by_severity,
)
from visionfail.studies.auditing.leakage import all_but_test, leakage_steps
from visionfail.studies.auditing.protocol import (
    TEST_SEED,
    VAL_SEED,
    accuracy_by_strength,
    best_baseline,
    extract_sample,
    score_sample,
    score_samples,
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
)
from visionfail.studies.auditing.tables import budget_rows, principal_plane, result_rows

__all__ = [
    "AUDITOR_SEEDS",
    "FAMILIES",
    "TEST_SEED",
    "VAL_SEED",
    "accuracy_by_strength",
    "all_but_test",
    "auroc_by_layer",
    "auroc_by_slice",
    "best_baseline",
    "budget_rows",
    "candidates_by_seed",
    "classifier_seeds",
    "confident_failure",
    "corrupt_mixed_severities",
    "demo_digits",
    "draw_shifted",
    "extract_all",
    "extract_sample",
    "failure_captions",
    "fit_fresh",
    "guarantee_table",
    "judge_auditor",
    "leakage_steps",
    "load_classifiers",
    "mean_auroc",
    "mixed_severities",
    "mnist_classifier",
    "mnist_sets",
    "pooled_risk",
    "prepare",
    "prepare_cifar10",
    "principal_plane",
    "ranked_failures",
    "resplit_table",
    "result_rows",
    "risk_under_shift",
    "safe_thresholds",
    "samples_to_score",
    "score_held_out",
    "score_histogram",
    "score_sample",
    "score_samples",
    "scores_by_slice",
    "scores_on_unseen",
    "scores_without_each_shift",
    "split_by_severity",
    "strength_thirds",
    "threshold_table",
    "train_detectors",
    "training_draws",
    "unseen_samples",
]
