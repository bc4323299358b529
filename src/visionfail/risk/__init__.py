"""A safe/unsafe classifier whose threshold means something: train, evaluate, predict, export."""

from visionfail.risk.calibration import Calibration, brier, calibration_bins, fit_calibration
from visionfail.risk.claims import RISK_CLAIMS, judge_risk, worse_accuracy
from visionfail.risk.config import ARCHITECTURES, RiskConfig, load_config
from visionfail.risk.curves import precision_band, roc_band
from visionfail.risk.decisions import (
    Scored,
    extra_cost,
    in_words,
    picture_measures,
    rates,
    rates_table,
    review_band,
    surest_errors,
)
from visionfail.risk.drift import (
    check_drift,
    check_score_drift,
    one_per_group,
    reference_of,
)
from visionfail.risk.experiments import balanced_accuracy
from visionfail.risk.heads import heads_table
from visionfail.risk.pictures import list_pictures, split_pictures
from visionfail.risk.prediction_log import log_summary, read_log
from visionfail.risk.report import at_work_page, at_work_table, band_page
from visionfail.risk.saved import Classifier, load_classifier
from visionfail.risk.sets import NAMES, UNSAFE, as_risk, risk_sets
from visionfail.risk.setup import (
    copies_table,
    counts_table,
    kinds_table,
    sets_to_explore,
    test_pictures,
)
from visionfail.risk.setup import prepare_risk as prepare
from visionfail.risk.sheet import (
    CLEAN,
    decision_sheet,
    result_rows,
    score_conditions,
    sheet_at,
    sheet_by_rule,
    worst_at,
)
from visionfail.risk.study import Studied, load_or_study
from visionfail.risk.subgroups import brightness_kinds, by_kind_table
from visionfail.risk.thresholds import (
    Threshold,
    choose_threshold,
    cost_threshold,
    groups_needed,
    implied_cost_ratio,
    miss_p_value,
    miss_share_by_group,
    recall_threshold,
)

__all__ = [
    "ARCHITECTURES",
    "CLEAN",
    "NAMES",
    "RISK_CLAIMS",
    "UNSAFE",
    "Calibration",
    "Classifier",
    "RiskConfig",
    "Scored",
    "Studied",
    "Threshold",
    "as_risk",
    "at_work_page",
    "at_work_table",
    "balanced_accuracy",
    "band_page",
    "brier",
    "brightness_kinds",
    "by_kind_table",
    "calibration_bins",
    "check_drift",
    "check_score_drift",
    "choose_threshold",
    "copies_table",
    "cost_threshold",
    "counts_table",
    "decision_sheet",
    "extra_cost",
    "fit_calibration",
    "groups_needed",
    "heads_table",
    "implied_cost_ratio",
    "in_words",
    "judge_risk",
    "kinds_table",
    "list_pictures",
    "load_classifier",
    "load_config",
    "load_or_study",
    "log_summary",
    "miss_p_value",
    "miss_share_by_group",
    "one_per_group",
    "picture_measures",
    "precision_band",
    "prepare",
    "rates",
    "rates_table",
    "read_log",
    "recall_threshold",
    "reference_of",
    "result_rows",
    "review_band",
    "risk_sets",
    "roc_band",
    "score_conditions",
    "sets_to_explore",
    "sheet_at",
    "sheet_by_rule",
    "split_pictures",
    "surest_errors",
    "test_pictures",
    "worse_accuracy",
    "worst_at",
]
