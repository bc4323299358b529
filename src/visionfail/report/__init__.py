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
from visionfail.report.own_setup import own_page, prepare_own_model
from visionfail.report.own_tables import (
    FEWEST,
    auditor_leads,
    broken_budgets,
    decision_sentence,
    decision_texts,
    expectation,
    harm_words,
    lead_sentence,
    most_harmed,
    overconfidence,
    own_rows,
    regime_notes,
)
from visionfail.report.page import PARTS, Part, own_model

__all__ = [
    "DETECTORS",
    "ENSEMBLE",
    "FEWEST",
    "METRICS",
    "PARTS",
    "WHOLE",
    "Part",
    "accuracy_by_class",
    "auditor_leads",
    "auditor_table",
    "broken_budgets",
    "decision_sentence",
    "decision_texts",
    "expectation",
    "harm_words",
    "lead_sentence",
    "leads_over_confidence",
    "most_harmed",
    "networks_table",
    "overconfidence",
    "own_model",
    "own_page",
    "own_rows",
    "prepare_own_model",
    "regime_notes",
    "worst_class_table",
]
