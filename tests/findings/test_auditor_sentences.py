"""The headline about the digit auditor follows from the table of comparisons."""

import shutil

import pandas as pd
import pytest
from makers import save_rows

from visionfail import findings, paths
from visionfail.findings import auditor_sentences
from visionfail.report import ENSEMBLE
from visionfail.studies import auditing

KEYS = ["detector", "baseline", "slice"]
COMPARISONS = [
    ("auditor", "1 - confidence"),
    ("auditor", ENSEMBLE),
    ("auditor + ensemble", "auditor"),
    ("auditor + ensemble", ENSEMBLE),
]


@pytest.fixture
def judged(tmp_path):
    """A function from changed outcomes {(detector, baseline, slice): outcome} to the sentence."""

    def sentence(outcomes):
        table = pd.read_csv(paths.RESULTS / "mnist-verdicts.csv").set_index(KEYS).sort_index()
        for comparison, outcome in outcomes.items():
            assert comparison in table.index
            table.loc[comparison, "outcome"] = outcome
        table.reset_index().to_csv(tmp_path / "mnist-verdicts.csv", index=False)
        return findings.shift_sentence(tmp_path)

    return sentence


def test_the_leads_are_those_of_the_table():
    table = pd.read_csv(paths.RESULTS / "mnist-verdicts.csv").set_index(KEYS).sort_index()
    sentence = findings.shift_sentence(paths.RESULTS)
    for name in ("shifted", "shifted without rotation"):
        for detector, baseline in COMPARISONS[:2]:
            row = table.loc[(detector, baseline, name)]
            assert f"{row.value:+.3f} (95% {row.lo:+.3f} to {row.hi:+.3f}: " in sentence


def test_where_the_auditor_is_ahead_level_or_behind_beside_each(judged):
    outcomes = {}
    for name in ("rotation", "noise", "occlusion", "translation"):
        outcomes["auditor", "1 - confidence", name] = "win"
        outcomes["auditor", ENSEMBLE, name] = "tie"
    outcomes["auditor", "1 - confidence", "noise"] = "loss"
    outcomes["auditor", ENSEMBLE, "rotation"] = "win"
    sentence = judged(outcomes)
    assert (
        "beside confidence ahead on rotation, occlusion and translation, behind on noise; beside "
        "the ensemble ahead on rotation, level on noise, occlusion and translation." in sentence
    )
    for name in ("rotation", "noise", "occlusion", "translation"):
        outcomes["auditor", "1 - confidence", name] = outcomes["auditor", ENSEMBLE, name]
    assert "beside either ahead on rotation, level on noise" in judged(outcomes)


def test_both_combined_are_best_only_where_they_win_against_each_alone(judged):
    shifts = ["shifted", "shifted without rotation", "rotation", "noise", "occlusion"]
    outcomes = {}
    for name in [*shifts, "translation"]:
        outcomes["auditor + ensemble", "auditor", name] = "win"
        outcomes["auditor + ensemble", ENSEMBLE, name] = "win"
    everywhere = judged(outcomes)
    assert "rotation, noise, occlusion and translation. On" in everywhere
    assert "but not on" not in everywhere
    outcomes["auditor + ensemble", "auditor", "noise"] = "tie"
    outcomes["auditor + ensemble", ENSEMBLE, "shifted without rotation"] = "loss"
    sentence = judged(outcomes)
    assert "each alone on all shifted digits, rotation, occlusion and translation, but" in sentence
    assert "but not on those not rotated and noise." in sentence


def test_shifts_not_trained_on_are_counted_beside_each(judged):
    new = ["rotation, left out", "noise, left out", "occlusion, left out", "translation, left out"]
    new += auditor_sentences.UNSEEN
    outcomes = {}
    for name in new:
        outcomes["auditor", "1 - confidence", name] = "loss"
        outcomes["auditor", ENSEMBLE, name] = "loss" if name in new[:4] else "tie"
        outcomes["auditor + ensemble", ENSEMBLE, name] = "loss" if name in new[:2] else "win"
    sentence = judged(outcomes)
    assert sentence.endswith(
        "On 9 shifts that it was not trained on the auditor is behind confidence in 9 and behind "
        "the ensemble in 4, both combined behind the ensemble in 2."
    )


def test_more_kinds_learnt_are_told_with_the_kind_that_changes_them_most(tmp_path):
    changes = {"all kinds": 0.01, "without noise": 0.02, "without contrast": -0.04}
    rows = []
    for which, value in changes.items():
        estimate = {"value": value, "lo": value - 0.005, "hi": value + 0.005}
        row = {"detector": which, "slice": "kinds not learnt", "n": 100, **estimate}
        rows.append(row)
    metric = "AUROC, lead with the most kinds learnt minus with one"
    rows = auditing.result_rows({metric: pd.DataFrame(rows)}, origin="standin")
    save_rows(rows, "mnist-auditor", tmp_path)
    sentence = findings.more_kinds_sentence(tmp_path)
    assert "trained on 1 of 2 kinds" in sentence
    assert "by +0.010 (95% +0.005 to +0.015), n = 100 digits." in sentence
    assert "contrast changes this most, to -0.040 (95% -0.045 to -0.035), which" in sentence


@pytest.mark.parametrize(
    ("seeds", "why"),
    [((-0.01, 0.05), "undecided, by seeds alone)"), ((0.001, 0.04), "corrected for all compari")],
)
def test_why_a_lead_outside_zero_is_undecided(seeds, why):
    row = pd.Series({"value": 0.02, "lo": 0.01, "hi": 0.03, "outcome": "undecided"})
    row["seed_lo"], row["seed_hi"] = seeds
    assert why in auditor_sentences.judged_lead(row)
    across = pd.Series({**row, "lo": -0.01})
    assert auditor_sentences.judged_lead(across).endswith(": undecided)")


def test_an_auditor_on_cifar10_that_is_behind_is_called_so(tmp_path):
    for name in ("auditor-cifar10.csv", "auditor-cifar10.json", "auditor-cifar10-verdicts.csv"):
        shutil.copy(paths.RESULTS / name, tmp_path)
    file = tmp_path / "auditor-cifar10-verdicts.csv"
    table = pd.read_csv(file)
    chosen = table.prespecified
    table.loc[chosen, ["value", "lo", "hi"]] = [-0.03, -0.04, -0.02]
    table.loc[chosen, "outcome"] = "loss"
    table.to_csv(file, index=False)
    sentence = findings.cifar_auditor_sentence(tmp_path)
    assert "-0.030 (95% -0.040 to -0.020: behind)" in sentence


def test_what_frost_does_is_said_of_the_direction_that_meets_it():
    weather = ["snow", "frost", "fog", "brightness", "contrast", "elastic transform", "pixelate"]
    leads = pd.Series(0.01, index=[*weather, "JPEG compression"])
    leads["frost"] = 0.5
    found = auditor_sentences.lead_without_frost(leads, "noise and blur")
    assert found == "+0.010 without our frost"
    found = auditor_sentences.lead_without_frost(leads, "weather and digital")
    assert found == "our frost among them"
