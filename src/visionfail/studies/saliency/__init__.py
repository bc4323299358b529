"""Study A: what a network looks at when it fails."""

from visionfail.studies.saliency.claims import (
    SEVERE,
    causes_of_drift,
    drift_by_condition,
    judge_saliency,
    mean_measure,
)
from visionfail.studies.saliency.drift import (
    CLEAN,
    CONDITIONS,
    CORE,
    JITTER,
    RANDOM_SEED,
    SEVERITIES,
    load_or_measure_drift,
    untrained_network,
)
from visionfail.studies.saliency.examples import (
    STORY,
    first_to_fail,
    panel_with_maps,
    turned_images,
)
from visionfail.studies.saliency.setup import prepare_saliency as prepare
from visionfail.studies.saliency.turned import auroc_by_version, scores_for_turned_answers

__all__ = [
    "CLEAN",
    "CONDITIONS",
    "CORE",
    "JITTER",
    "RANDOM_SEED",
    "SEVERE",
    "SEVERITIES",
    "STORY",
    "auroc_by_version",
    "causes_of_drift",
    "drift_by_condition",
    "first_to_fail",
    "judge_saliency",
    "load_or_measure_drift",
    "mean_measure",
    "panel_with_maps",
    "prepare",
    "scores_for_turned_answers",
    "turned_images",
    "untrained_network",
]
