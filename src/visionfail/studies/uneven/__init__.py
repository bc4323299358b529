"""Who bears the errors: by class, by confusion, by seed, and what goes with them."""

from visionfail.studies.uneven.answers import checked_answers
from visionfail.studies.uneven.classes import (
    class_p_values,
    class_sums,
    class_table,
    exchanged_class_means,
    gap_at_chance,
)
from visionfail.studies.uneven.confidence import class_confidences, confidence_table
from visionfail.studies.uneven.confusions import (
    confusion_structure,
    misfit_above_chance,
    pair_table,
)
from visionfail.studies.uneven.covariates import (
    class_means,
    correlation_table,
    image_brightness,
    image_contrast,
    rank_correlation,
    read_frame_sides,
)
from visionfail.studies.uneven.groups import (
    correlation_within_groups,
    design_effect,
    effective_size,
    effective_wilson,
    group_counts,
    groups_per_class,
    sign_counts,
    worst_case_answers,
    worst_case_groups,
)
from visionfail.studies.uneven.halves import halved_concordance
from visionfail.studies.uneven.persistence import (
    concordance_p,
    consistency_table,
    kendalls_w,
    mean_consistency,
    shared_error_share,
    shared_share_by_chance,
)

__all__ = [
    "checked_answers",
    "class_confidences",
    "class_means",
    "class_p_values",
    "class_sums",
    "class_table",
    "concordance_p",
    "confidence_table",
    "confusion_structure",
    "consistency_table",
    "correlation_table",
    "correlation_within_groups",
    "design_effect",
    "effective_size",
    "effective_wilson",
    "exchanged_class_means",
    "gap_at_chance",
    "group_counts",
    "groups_per_class",
    "halved_concordance",
    "image_brightness",
    "image_contrast",
    "kendalls_w",
    "mean_consistency",
    "misfit_above_chance",
    "pair_table",
    "rank_correlation",
    "read_frame_sides",
    "shared_error_share",
    "shared_share_by_chance",
    "sign_counts",
    "worst_case_answers",
    "worst_case_groups",
]
