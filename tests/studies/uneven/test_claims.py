"""Claims about who bears the errors: their values, and verdicts that also ask for a p value."""

import numpy as np
import pandas as pd
import pytest
from pytest import approx

from visionfail import paths
from visionfail.studies.uneven import claims
from visionfail.studies.uneven.claims import UNEVEN_CLAIMS, Value
from visionfail.studies.uneven.halves import HalvedConcordance
from visionfail.studies.uneven.seed_answers import SeedAnswers


def answers(dataset="svhn10k", n=400, seed=0):
    """Two seeds that err alike on images of ten classes, most on class 9."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n)
    hard = rng.random(n) < 0.02 + 0.3 * (labels == 9)
    predicted = np.stack([np.where(hard, (labels + 1) % 10, labels)] * 2)
    predicted[1, 0] = (labels[0] + 2) % 10
    made = {"dataset": dataset, "split": "test", "seeds": [0, 1], "classes": list("0123456789")}
    return SeedAnswers(labels, predicted, np.ones((2, n), np.float16), None, {}, made)


def test_every_claim_stands_in_the_notes():
    text = (paths.ROOT / "notes" / "claims.md").read_text(encoding="utf-8")
    for claim in UNEVEN_CLAIMS:
        row = next(line for line in text.splitlines() if line.startswith(f"| {claim.key} |"))
        assert claim.words.removesuffix(" digits") in row
        edges = [f"at least {claim.low:g}", f"above {claim.low:g}", f"below {claim.high:g}"]
        assert any(edge in row for edge in edges)


def test_common_errors_are_those_beyond_independent_seeds():
    asked = answers()
    counts = np.ones((20, 400), dtype=np.float32)
    value, lo, hi = claims.shared_above_chance(asked, counts)
    wrong = asked.wrong
    shared = wrong.all(axis=0).sum() / wrong.sum(axis=1)  # by seed
    expected = 0
    for label in range(10):
        members = asked.labels == label
        rates = wrong[:, members].mean(axis=1)
        expected += members.sum() * rates.prod()
    assert value == approx((shared - expected / wrong.sum(axis=1)).mean())
    assert lo == approx(value, abs=0.02) and hi == approx(value, abs=0.02)


def test_a_gap_that_chance_makes_too_is_undecided():
    values = {"U1": Value(0.2, 0.1, 0.3, 50, p=0.2), "U3a": Value(0.1, 0.0, 0.15, 50)}
    table = claims.judge_uneven(values, answers()).set_index("claim")
    assert table.verdict["U1 SVHN"] == "undecided"
    assert table.verdict["U3a SVHN"] == "fails"
    sure = {"U1": Value(0.2, 0.1, 0.3, 50, p=0.01)}
    table = claims.judge_uneven(sure, answers()).set_index("claim")
    assert table.verdict["U1 SVHN"] == "holds"


def test_what_has_no_value_is_not_testable():
    values = {"U1": Value(0.2, 0.1, 0.3, 50)}
    table = claims.judge_uneven(values, answers("cifar10")).set_index("claim")
    assert set(table.verdict.drop("U1 CIFAR-10")) == {claims.NOT_TESTABLE}
    assert set(table.status) == {"exploratory"}


@pytest.mark.parametrize(
    ("dataset", "explored"),
    [
        ("svhn10k", {"U0", "U1", "U2a", "U2b", "U2c", "U6b", "U6c"}),
        ("gtsrb", {"U0", "U4", "U6b", "U6c"}),
        ("svhn", {claim.key for claim in UNEVEN_CLAIMS}),
        ("cifar10", {claim.key for claim in UNEVEN_CLAIMS}),
    ],
)
def test_what_had_been_seen_before_a_rule_makes_its_claim_exploratory(dataset, explored):
    table = claims.judge_uneven({"U1": Value(0.2, 0.1, 0.3, 50)}, answers(dataset))
    found = table.loc[table.status.str.startswith("exploratory"), "claim"].str.split().str[0]
    assert set(found) == explored
    assert set(table.status.str.split(",").str[0]) <= {"exploratory", "confirmatory"}


@pytest.mark.parametrize("dataset", ["svhn10k", "gtsrb"])
def test_digits_alone_have_claims_about_digits(dataset):
    asked = answers(dataset)
    labels = asked.labels
    counts = np.ones((20, len(labels)), dtype=np.float32)
    from visionfail.studies import uneven

    sums = uneven.class_sums(asked.predicted, labels, counts, num_classes=10)
    structure = uneven.confusion_structure(
        asked.predicted,
        labels,
        None,
        num_classes=10,
        permutations=20,
        generator=np.random.default_rng(0),
    )
    confidences = uneven.class_confidences(
        asked.predicted, labels, asked.confidence, counts, num_classes=10, above=0.9
    )
    values = claims.claim_values(
        asked,
        counts,
        accuracy={"accuracy": 0.95, "lo": 0.93, "hi": 0.97},
        sums=sums,
        gap_p=0.01,
        structure=structure,
        overconfidence=confidences["overconfidence"],
        overconfidence_p=0.02,
        explained=None,
        halves=None,
        halves_n=0,
    )
    assert "U3b" not in values
    common = {"U1", "U3a", "U3c", "U4", "U5"}
    digits = {"U0", "U2a", "U2b", "U2c"} if dataset == "svhn10k" else set()
    assert set(values) == common | digits
    assert values["U1"].p == 0.01 and values["U5"].p == 0.02
    if digits:
        assert (values["U0"].value, values["U0"].lo) == (0.95, 0.93)
        accuracy = sums.accuracy[0].mean(axis=0)
        expected = accuracy[:3].mean() - accuracy[8:].mean()
        assert values["U2c"].value == approx(expected)


def test_maps_that_hardly_vary_are_not_judged():
    rows = {"entropy": (0.4, 0.1, 0.6), "fragments": (np.nan,) * 3, "centre": (-0.5, -0.8, -0.1)}
    table = pd.DataFrame(
        [
            {"measure": measure, "correlation": value, "lo": lo, "hi": hi, "classes": 9}
            for measure, (value, lo, hi) in rows.items()
        ]
    )
    values = claims.map_values(table)
    assert set(values) == {"U6", "U6c"}
    assert (values["U6c"].value, values["U6c"].hi, values["U6c"].n) == (-0.5, -0.1, 9)
    judged = claims.judge_uneven(values, answers()).set_index("claim").verdict
    assert judged["U6c SVHN"] == judged["U6 SVHN"] == "holds"
    assert judged["U6b SVHN"] == claims.NOT_TESTABLE


@pytest.mark.parametrize(("same_seed", "tested"), [(0.71, True), (0.69, False)])
def test_an_order_that_half_of_the_images_does_not_tell_is_not_judged(same_seed, tested):
    halves = HalvedConcordance(
        w=0.4,
        spread=0.1,
        lo=0.3,
        hi=0.5,
        same_seed=same_seed,
        chance=0.5,
        p=0.9,
        halvings=10,
        classes=10,
    )
    value = claims.order_value(halves, 50)
    assert (value is not None) == tested
    if value is not None:
        assert (value.value, value.p, value.n) == (0.4, 0.9, 50)
