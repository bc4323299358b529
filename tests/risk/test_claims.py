"""Claims about the classifier: written down as they are judged."""

import dataclasses

import numpy as np
import pytest

from visionfail import paths
from visionfail.risk import claims, sheet
from visionfail.risk.calibration import Calibration
from visionfail.risk.config import RiskConfig
from visionfail.risk.decisions import Scored
from visionfail.risk.study import Studied


def scored(missed, alarmed=0.1, n=200):
    """Scores of n unsafe and n safe pictures, these shares of which are decided wrongly."""
    unsafe = np.where(np.arange(n) < missed * n, 0.2, 0.9)
    safe = np.where(np.arange(n) < alarmed * n, 0.8, 0.1)
    labels = np.repeat([1, 0], n)
    return Scored(np.concatenate([unsafe, safe]), labels, np.arange(2 * n))


def studied():
    tables = {
        "values": [{"claim": "E5", "value": 0.2, "lo": 0.1, "hi": 0.3}],
        "formats": [
            {"format": "torch", "batch": 1, "p50_ms": 7.0, "p50_lo": 6.5, "p50_hi": 7.5, "n": 50},
            {"format": "onnx", "batch": 1, "size_mb": 44.8, "n": 50},
        ],
    }
    conditions = {sheet.CLEAN: scored(0.1), ("fog", 3): scored(0.5), sheet.ATTACK: scored(0.9)}
    return Studied(
        config=RiskConfig(),
        calibration=Calibration(1.0, 0.0),
        validation=scored(0.1),
        scored=conditions,
        heads_val=(scored(0.1),),
        heads=(scored(0.1),),
        kinds=("thing",) * 400,
        brightness=np.full(400, 0.5),
        made={"tables": tables, "weights": "trunk", "set": "gtsrb", "origin": "subset"},
    )


def test_every_claim_is_written_down_and_no_other():
    notes = (paths.ROOT / "notes" / "claims.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in notes.splitlines() if line.startswith("| E")]
    written = {row[0].removeprefix("| "): row[1] for row in rows}
    assert written == {claim.key: claim.words for claim in claims.RISK_CLAIMS}


def test_verdicts_follow_the_scores():
    judged = claims.judge_risk(studied(), threshold=0.5, status="exploratory")
    verdicts = dict(zip(judged.claim.str.split().str[0], judged.verdict, strict=True))
    assert verdicts == {
        "E1": "holds",
        "E3a": "holds",
        "E3b": "fails",
        "E4": "holds",
        "E5": "holds",
        "E8": "holds",
    }
    assert set(judged.claim.str.split().str[1]) == {"GTSRB"}
    corrected = judged.claim.str.split().str[0].isin(claims.AFTERWARDS)
    assert set(judged.status[~corrected]) == {"exploratory, weights trunk"}
    told = "exploratory, corrected after a first verdict, weights trunk"
    assert set(judged.status[corrected]) == {told}


def test_values_are_those_of_the_scores():
    found = claims.values_of(studied(), 0.5)
    assert found["E1"][0] == pytest.approx(0.9) and found["E1"][3] == 400
    assert found["E4"][0] == pytest.approx(0.2)  # half of 0.4 more missed
    assert found["E8"][0] == pytest.approx(0.8) and found["E8"][3] == 200
    assert "E2" not in found


def test_an_attack_that_changes_nothing_costs_nothing():
    whole = studied()
    unchanged = dict(whole.scored)
    unchanged[sheet.ATTACK] = whole.clean
    found = claims.values_of(dataclasses.replace(whole, scored=unchanged), 0.5)
    assert found["E8"][:3] == pytest.approx((0, 0, 0))
