"""Pure functions on arrays: calibration, corruption error, failure scores, intervals, pairs."""

from visionfail.metrics.classification import (
    apply_temperature,
    confidence_bin,
    confidence_from_log_odds,
    confusion_matrix,
    ece,
    fit_temperature,
    log_odds,
    nll,
    probabilities,
    reliability_bins,
    true_class_log_probability,
)
from visionfail.metrics.corruption_error import (
    by_corruption,
    mce,
    mean_corruption_accuracy,
    relative_mce,
)
from visionfail.metrics.estimates import (
    Estimate,
    drawn_seeds,
    interval_over_seeds,
    mean_of_estimates,
    ratio_of_sums,
)
from visionfail.metrics.failure import (
    augrc,
    aurc,
    auroc,
    bootstrap_augrc,
    bootstrap_aurc,
    bootstrap_auroc,
    selective_risk_at,
)
from visionfail.metrics.intervals import (
    bootstrap_condition_means,
    bootstrap_means,
    percentile_interval,
    resampling_counts,
    wilson,
)
from visionfail.metrics.paired import disagreement, disagreements, holm, mcnemar_exact

__all__ = [
    "Estimate",
    "apply_temperature",
    "augrc",
    "aurc",
    "auroc",
    "bootstrap_augrc",
    "bootstrap_aurc",
    "bootstrap_auroc",
    "bootstrap_condition_means",
    "bootstrap_means",
    "by_corruption",
    "confidence_bin",
    "confidence_from_log_odds",
    "confusion_matrix",
    "disagreement",
    "disagreements",
    "drawn_seeds",
    "ece",
    "fit_temperature",
    "holm",
    "interval_over_seeds",
    "log_odds",
    "mce",
    "mcnemar_exact",
    "mean_corruption_accuracy",
    "mean_of_estimates",
    "nll",
    "percentile_interval",
    "probabilities",
    "ratio_of_sums",
    "relative_mce",
    "reliability_bins",
    "resampling_counts",
    "selective_risk_at",
    "true_class_log_probability",
    "wilson",
]
