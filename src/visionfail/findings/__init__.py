"""What was found, in a few sentences and short tables: what the README shows."""

from visionfail.findings.auditor_sentences import (
    cifar_auditor_sentence,
    more_kinds_sentence,
    shift_sentence,
)
from visionfail.findings.sentences import (
    accuracy_sentence,
    attack_sentence,
    budget_sentence,
    claims_sentence,
    confidence_sentence,
    main_sentences,
    risk_sentence,
    transfer_sentence,
    uneven_sentence,
)
from visionfail.findings.tables import (
    RISK_COST,
    RISK_RULE,
    auditor_summary,
    by_set_summary,
    claims_summary,
    common_verdict,
    mean_error_range,
    network_names,
    networks_summary,
    risk_summary,
    status_sentence,
    verdict_counts,
)

__all__ = [
    "RISK_COST",
    "RISK_RULE",
    "accuracy_sentence",
    "attack_sentence",
    "auditor_summary",
    "budget_sentence",
    "by_set_summary",
    "cifar_auditor_sentence",
    "claims_sentence",
    "claims_summary",
    "common_verdict",
    "confidence_sentence",
    "main_sentences",
    "mean_error_range",
    "more_kinds_sentence",
    "network_names",
    "networks_summary",
    "risk_sentence",
    "risk_summary",
    "shift_sentence",
    "status_sentence",
    "transfer_sentence",
    "uneven_sentence",
    "verdict_counts",
]
