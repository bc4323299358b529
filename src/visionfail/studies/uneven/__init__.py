"""Who bears the errors, by class, confusion and seed, and how little it takes to cause one."""

from visionfail.studies.uneven.answers import checked_answers
from visionfail.studies.uneven.attack_answers import AttackedAnswers, turned_and_right_again
from visionfail.studies.uneven.attack_claims import Attacked, attack_claim_values, judge_attacks
from visionfail.studies.uneven.attack_setup import (
    ATTACKED_SEEDS,
    load_attacked,
    load_audit,
    load_defended,
    load_or_check,
    load_or_restart,
    load_others,
)
from visionfail.studies.uneven.attacked import (
    ATTACKS,
    EPSILONS,
    HEADLINE,
    attack_images,
    attacked_part,
    load_or_attack,
)
from visionfail.studies.uneven.by_set import (
    confidence_by_class,
    covariates_by_class,
    exchanged,
    order_between_halves,
    overconfidence_by_answer,
    pairs_of,
    structure_of,
    sums_by_class,
    table_by_class,
)
from visionfail.studies.uneven.claims import (
    NOT_TESTABLE,
    SET_NAMES,
    claim_values,
    judge_uneven,
)
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
    partial_rank_correlation,
    rank_correlation,
)
from visionfail.studies.uneven.defended import DEFENDED
from visionfail.studies.uneven.explanations import (
    classes_with_errors,
    explain_all,
    explanation_table,
    means_of_right_answers,
)
from visionfail.studies.uneven.groups import (
    correlation_within_groups,
    design_effect,
    effective_size,
    effective_wilson,
    group_counts,
    group_index,
    groups_per_class,
    sign_counts,
    worst_case_answers,
    worst_case_groups,
)
from visionfail.studies.uneven.half_epsilon import half_epsilons, smallest_epsilon
from visionfail.studies.uneven.halves import halved_concordance
from visionfail.studies.uneven.link import link_between_halves
from visionfail.studies.uneven.noticed import (
    confidence_suspicion,
    ensemble_suspicion,
    noticed_table,
)
from visionfail.studies.uneven.others import transfer_table
from visionfail.studies.uneven.persistence import (
    concordance_p,
    consistency_table,
    kendalls_w,
    mean_consistency,
    shared_error_share,
    shared_share_by_chance,
)
from visionfail.studies.uneven.seed_answers import SeedAnswers
from visionfail.studies.uneven.setup import (
    load_networks,
    load_or_ask,
    load_or_explain,
    load_sets,
    splits_of,
    stored_answers,
)
from visionfail.studies.uneven.setup import prepare_uneven as prepare
from visionfail.studies.uneven.tables import (
    accuracy_row,
    calibration_row,
    doubtful_labels,
    gap_row,
    mistake_captions,
    persistence_row,
    same_mistakes,
    stored_rows,
    varied_mistakes,
)
from visionfail.studies.uneven.tracks import track_recovery
from visionfail.studies.uneven.under_attack import by_epsilon, class_curves, smallest_by_class

__all__ = [
    "ATTACKED_SEEDS",
    "ATTACKS",
    "DEFENDED",
    "EPSILONS",
    "HEADLINE",
    "NOT_TESTABLE",
    "SET_NAMES",
    "Attacked",
    "AttackedAnswers",
    "SeedAnswers",
    "accuracy_row",
    "attack_claim_values",
    "attack_images",
    "attacked_part",
    "by_epsilon",
    "calibration_row",
    "checked_answers",
    "claim_values",
    "class_confidences",
    "class_curves",
    "class_means",
    "class_p_values",
    "class_sums",
    "class_table",
    "classes_with_errors",
    "concordance_p",
    "confidence_by_class",
    "confidence_suspicion",
    "confidence_table",
    "confusion_structure",
    "consistency_table",
    "correlation_table",
    "correlation_within_groups",
    "covariates_by_class",
    "design_effect",
    "doubtful_labels",
    "effective_size",
    "effective_wilson",
    "ensemble_suspicion",
    "exchanged",
    "exchanged_class_means",
    "explain_all",
    "explanation_table",
    "gap_at_chance",
    "gap_row",
    "group_counts",
    "group_index",
    "groups_per_class",
    "half_epsilons",
    "halved_concordance",
    "image_brightness",
    "image_contrast",
    "judge_attacks",
    "judge_uneven",
    "kendalls_w",
    "link_between_halves",
    "load_attacked",
    "load_audit",
    "load_defended",
    "load_networks",
    "load_or_ask",
    "load_or_attack",
    "load_or_check",
    "load_or_explain",
    "load_or_restart",
    "load_others",
    "load_sets",
    "mean_consistency",
    "means_of_right_answers",
    "misfit_above_chance",
    "mistake_captions",
    "noticed_table",
    "order_between_halves",
    "overconfidence_by_answer",
    "pair_table",
    "pairs_of",
    "partial_rank_correlation",
    "persistence_row",
    "prepare",
    "rank_correlation",
    "same_mistakes",
    "shared_error_share",
    "shared_share_by_chance",
    "sign_counts",
    "smallest_by_class",
    "smallest_epsilon",
    "splits_of",
    "stored_answers",
    "stored_rows",
    "structure_of",
    "sums_by_class",
    "table_by_class",
    "track_recovery",
    "transfer_table",
    "turned_and_right_again",
    "varied_mistakes",
    "worst_case_answers",
    "worst_case_groups",
]
