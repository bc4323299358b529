"""The gate of exports: each rule refuses a planted bad export, and passes a good one."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import expit, logit

from visionfail import devices, metrics
from visionfail.risk import gate
from visionfail.risk.calibration import Calibration
from visionfail.risk.thresholds import Threshold, recall_threshold

onnxruntime = pytest.importorskip("onnxruntime")

HALF = Threshold(0.5, "cost", False, "no guarantee", 10, 59)
SAME = Calibration(1.0, 0.0)  # the score is the probability


def logits(n=600, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.tile([0, 1], n // 2)
    wide = 3 * (2 * labels - 1) + rng.normal(0, 1.5, n)
    return np.stack([np.zeros(n), wide], axis=1).astype(np.float32), labels


def judge(kind, reference, answers, labels, *, threshold=HALF, calibration=SAME):
    return gate.check_export(
        kind,
        reference,
        {1: reference, 7: answers},
        labels=labels,
        groups=np.arange(len(labels)),
        threshold=threshold,
        calibration=calibration,
    )


def test_the_same_answers_pass_both_gates():
    reference, labels = logits()
    for kind in gate.RULES:
        assert judge(kind, reference, reference.copy(), labels).passed


def test_one_flip_or_logits_apart_stop_onnx():
    reference, labels = logits()
    flipped = reference.copy()
    nearest = np.abs(reference[:, 1]).argmin()
    flipped[nearest, 1] *= -1
    found = judge("onnx", reference, flipped, labels)
    assert not found.passed and "batch 7: 1 decisions flip" in found.reasons
    apart = judge("onnx", reference, reference + 2e-4, labels)
    assert not apart.passed and "apart" in apart.reasons[0]


def test_the_bound_on_flips_stops_int8():
    reference, labels = logits(n=2000)
    flipped = reference.copy()
    flipped[:8, 1] *= -1  # 8 of 2,000: the exact 95% upper bound is 0.72%
    assert judge("int8", reference, flipped, labels).passed
    flipped[:14, 1] = -reference[:14, 1]
    found = judge("int8", reference, flipped, labels)
    assert not found.passed and "14 flips of 2000, up to 1.1%" in found.reasons[0]
    few, few_labels = logits(n=200)
    found = judge("int8", few, few, few_labels)
    too_few = "0 flips of 200, up to 1.5%, more than 1%; it takes 299 pictures at least"
    assert found.reasons == (f"batch 1: {too_few}", f"batch 7: {too_few}")


def test_a_lost_recall_guarantee_stops_int8():
    reference, labels = logits(n=4000)
    score = metrics.probabilities(reference)[:, 1]
    promised = recall_threshold(score, labels, np.arange(4000), max_miss=0.05, delta=0.05)
    lower = reference.copy()
    just_flagged = np.flatnonzero((labels == 1) & (score >= promised.value))
    lost = just_flagged[np.argsort(score[just_flagged])[:25]]
    lower[lost, 1] -= 1.0
    found = judge("int8", reference, lower, labels, threshold=promised)
    assert "batch 7: the recall guarantee is lost" in found.reasons


def across_the_upper_end(reference, count):
    """The logits with `count` pictures from above a probability of 0.9 moved just below it."""
    moved = reference.copy()
    above = np.flatnonzero(reference[:, 1] >= logit(0.9))
    nearest = above[np.argsort(reference[above, 1])[:count]]
    moved[nearest, 1] = logit(0.9) - 0.01
    return moved


def test_pictures_that_leave_their_part_stop_int8():
    reference, labels = logits(n=2000)
    few = judge("int8", reference, across_the_upper_end(reference, 25), labels)
    assert few.passed and few.measured["parts moved, batch 7"] == 25
    found = judge("int8", reference, across_the_upper_end(reference, 40), labels)
    assert found.measured["flips, batch 7"] == 0
    (reason,) = found.reasons
    assert reason.startswith("batch 7: 40 changes of part") and "of 2000, up to 2.6%" in reason
    assert judge("onnx", reference, reference, labels).measured["parts moved, batch 7"] == 0


def test_the_upper_end_is_a_calibrated_probability():
    reference, labels = logits(n=2000)
    moved = across_the_upper_end(reference, 40)
    further = Calibration(1.0, -2.0)  # 0.9 lies at a higher score, these stay in the band
    assert judge("int8", reference, moved, labels, calibration=further).passed
    above = Threshold(0.95, "cost", False, "no guarantee", 10, 59)  # then there is no band
    assert judge("int8", reference, moved, labels, threshold=above).passed


def test_overconfidence_stops_int8_though_every_picture_keeps_its_part():
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 3, 4000)
    labels = (rng.random(4000) < expit(odds)).astype(int)
    reference = np.stack([np.zeros(4000), odds], axis=1)
    surer = reference.copy()
    surer[np.abs(odds) > logit(0.9), 1] *= 3
    found = judge("int8", reference, surer, labels)
    (reason,) = found.reasons
    assert reason.startswith("batch 7: ECE rises by 0.0")
    assert found.measured["flips, batch 7"] == found.measured["parts moved, batch 7"] == 0
    assert judge("int8", surer, reference, labels).passed  # ECE may fall


def test_logits_that_are_no_numbers_stop_every_kind():
    reference, labels = logits()
    broken = reference.copy()
    broken[np.flatnonzero(labels == 0)[0]] = np.nan
    for kind in gate.RULES:
        found = judge(kind, reference, broken, labels)
        assert found.reasons == ("batch 7: some logits are no finite numbers",)
        assert not judge(kind, broken, reference, labels).passed


@pytest.mark.parametrize(("count", "n"), [(0, 299), (8, 2000), (5, 5)])
def test_the_bound_is_the_exact_one(count, n):
    interval = stats.binomtest(count, n).proportion_ci(confidence_level=0.9, method="exact")
    assert gate.upper_bound(count, n) == pytest.approx(interval.high)


def test_so_many_pictures_are_needed():
    needed = gate.pictures_needed(gate.FLIPS)
    assert gate.upper_bound(0, needed) <= gate.FLIPS < gate.upper_bound(0, needed - 1)


@pytest.mark.parametrize(
    ("names", "words"), [((), "none"), (("avx512_vnni", "amx_int8"), "avx512_vnni, amx_int8")]
)
def test_the_host_is_recorded_with_its_int8_instructions(monkeypatch, names, words):
    monkeypatch.setattr(devices, "int8_instructions", lambda: names)
    reference, labels = logits()
    host = judge("int8", reference, reference, labels).host
    assert torch.backends.cpu.get_cpu_capability() in host
    assert f"int8 instructions: {words}; " in host
    assert f"onnxruntime {onnxruntime.__version__} with " in host
    assert "CPUExecutionProvider" in host
