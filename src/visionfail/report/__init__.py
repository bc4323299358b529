"""What is shown to others: tables of findings from results/, and a page about anybody's model."""

from visionfail.report.overview import (
    DETECTORS,
    ENSEMBLE,
    METRICS,
    WHOLE,
    accuracy_by_class,
    auditor_table,
    leads_over_confidence,
    networks_table,
    worst_class_table,
)
from visionfail.report.own_setup import prepare_own_model
from visionfail.report.own_tables import (
    auditor_leads,
    broken_beyond_doubt,
    decision_sentence,
    decision_texts,
    most_harmed,
    own_rows,
    regime_notes,
)
from visionfail.report.page import PARTS, Part, own_model

__all__ = [
    "DETECTORS",
    "ENSEMBLE",
    "METRICS",
    "PARTS",
    "WHOLE",
    "Part",
    "accuracy_by_class",
    "auditor_leads",
    "auditor_table",
    "broken_beyond_doubt",
    "decision_sentence",
    "decision_texts",
    "leads_over_confidence",
    "most_harmed",
    "networks_table",
    "own_model",
    "own_rows",
    "prepare_own_model",
    "regime_notes",
    "worst_class_table",
]
