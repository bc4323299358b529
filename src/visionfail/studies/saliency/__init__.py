"""Study A: what a network looks at when it fails."""

from visionfail.studies.saliency.causes import causes_of_drift
from visionfail.studies.saliency.claims import (
    SEVERE,
    claims_by_corruption,
    judge_saliency,
    mean_aurocs,
)
from visionfail.studies.saliency.controls import (
    cascade_table,
    control_weights,
    load_or_compare_maps,
    load_or_measure_control,
)
from visionfail.studies.saliency.drift import (
    CLEAN,
    CONDITIONS,
    CORE,
    JITTER,
    SEVERITIES,
    load_or_measure_drift,
)
from visionfail.studies.saliency.examples import (
    STORY,
    first_to_fail,
    panel_with_maps,
    turned_images,
)
from visionfail.studies.saliency.means import drift_by_condition, mean_measure
from visionfail.studies.saliency.occlusion import load_or_occlude, occlusion_table
from visionfail.studies.saliency.setup import prepare_saliency as prepare
from visionfail.studies.saliency.turned import (
    auroc_by_version,
    overlap_and_error,
    scores_for_turned_answers,
)

__all__ = [
    "CLEAN",
    "CONDITIONS",
    "CORE",
    "JITTER",
    "SEVERE",
    "SEVERITIES",
    "STORY",
    "auroc_by_version",
    "cascade_table",
    "causes_of_drift",
    "claims_by_corruption",
    "control_weights",
    "drift_by_condition",
    "first_to_fail",
    "judge_saliency",
    "load_or_compare_maps",
    "load_or_measure_control",
    "load_or_measure_drift",
    "load_or_occlude",
    "mean_aurocs",
    "mean_measure",
    "occlusion_table",
    "overlap_and_error",
    "panel_with_maps",
    "prepare",
    "scores_for_turned_answers",
    "turned_images",
]
