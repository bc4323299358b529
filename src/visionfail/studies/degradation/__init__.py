"""Study A: accuracy under corruption, regimes, claims."""

from visionfail.studies.degradation.architectures import (
    judge_networks,
    seeds_for_architectures,
)
from visionfail.studies.degradation.claims import (
    left_out_table,
    regime_table,
    regimes_alike,
    severity_regimes,
    what_it_rests_on,
)
from visionfail.studies.degradation.curves import SEVERITY
from visionfail.studies.degradation.false_alarms import false_alarm_table
from visionfail.studies.degradation.human_uncertainty import (
    load_or_measure_uncertainty,
    pictures_people_are_sure_of,
    stored_answers,
)
from visionfail.studies.degradation.mistakes import accuracy_gap, extra_disagreement
from visionfail.studies.degradation.overconfidence import overconfidence_by_severity
from visionfail.studies.degradation.pairs import beside_resnets
from visionfail.studies.degradation.redraw import load_or_redraw
from visionfail.studies.degradation.regimes import REGIMES
from visionfail.studies.degradation.seeds import (
    chance_of_larger,
    comparable,
    seed_spread,
    trained_alike,
    verdict_agreement,
)
from visionfail.studies.degradation.setup import prepare_degradation as prepare
from visionfail.studies.degradation.setup import prepare_stored
from visionfail.studies.degradation.strengths import load_or_measure_strengths

__all__ = [
    "REGIMES",
    "SEVERITY",
    "accuracy_gap",
    "beside_resnets",
    "chance_of_larger",
    "comparable",
    "extra_disagreement",
    "false_alarm_table",
    "judge_networks",
    "left_out_table",
    "load_or_measure_strengths",
    "load_or_measure_uncertainty",
    "load_or_redraw",
    "overconfidence_by_severity",
    "pictures_people_are_sure_of",
    "prepare",
    "prepare_stored",
    "regime_table",
    "regimes_alike",
    "seed_spread",
    "seeds_for_architectures",
    "severity_regimes",
    "stored_answers",
    "trained_alike",
    "verdict_agreement",
    "what_it_rests_on",
]
