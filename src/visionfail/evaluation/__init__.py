"""What a model answers under every corruption and severity, and the tables made of it."""

from visionfail.evaluation.benchmark import (
    accuracy_table,
    benchmark,
    check_model,
    fingerprint,
    sweep_model,
)
from visionfail.evaluation.mixes import mix_of_conditions
from visionfail.evaluation.outcomes import Answers, Outcomes, all_conditions, outcome_of_logits
from visionfail.evaluation.paired import accuracy_drops, paired_by_condition, paired_drops
from visionfail.evaluation.published import (
    STANDARD_TRAINING,
    beside_published,
    gaps_by_severity,
    gaps_to_published,
    md5_parity,
    published_by_severity,
)
from visionfail.evaluation.reference_run import reference_run
from visionfail.evaluation.sweep import load_or_sweep, run_sweep, stored_outcomes
from visionfail.evaluation.tables import (
    SETS,
    clean_rows,
    confident_errors,
    frost_of,
    in_network_order,
    read_published,
    stored_overview,
    stored_sweeps,
    sweep_rows,
    weakest_origin,
)

__all__ = [
    "SETS",
    "STANDARD_TRAINING",
    "Answers",
    "Outcomes",
    "accuracy_drops",
    "accuracy_table",
    "all_conditions",
    "benchmark",
    "beside_published",
    "check_model",
    "clean_rows",
    "confident_errors",
    "fingerprint",
    "frost_of",
    "gaps_by_severity",
    "gaps_to_published",
    "in_network_order",
    "load_or_sweep",
    "md5_parity",
    "mix_of_conditions",
    "outcome_of_logits",
    "paired_by_condition",
    "paired_drops",
    "published_by_severity",
    "read_published",
    "reference_run",
    "run_sweep",
    "stored_outcomes",
    "stored_overview",
    "stored_sweeps",
    "sweep_model",
    "sweep_rows",
    "weakest_origin",
]
