"""Study C: knowing when a classifier is wrong."""

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
    JUDGE_SEED,
    VAL_SEED,
    accuracy_by_strength,
    best_baseline,
    extract_sample,
    score_sample,
    score_samples,
    train_detectors,
    training_draws,
)
from visionfail.studies.auditing.shifted_digits import (
    draw_shifted,
    samples_to_score,
    unseen_samples,
)

__all__ = [
    "AUDITOR_SEEDS",
    "FAMILIES",
    "JUDGE_SEED",
    "VAL_SEED",
    "accuracy_by_strength",
    "all_but_test",
    "best_baseline",
    "classifier_seeds",
    "confident_failure",
    "corrupt_mixed_severities",
    "demo_digits",
    "draw_shifted",
    "extract_all",
    "extract_sample",
    "failure_captions",
    "fit_fresh",
    "judge_auditor",
    "leakage_steps",
    "mean_auroc",
    "mixed_severities",
    "mnist_classifier",
    "mnist_sets",
    "ranked_failures",
    "samples_to_score",
    "score_held_out",
    "score_histogram",
    "score_sample",
    "score_samples",
    "split_by_severity",
    "train_detectors",
    "training_draws",
    "unseen_samples",
]
