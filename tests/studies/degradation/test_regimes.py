import functools

import numpy as np
import pytest
from scipy.optimize import curve_fit

from visionfail.studies.degradation import regimes

X = np.arange(6)
CURVES = regimes.constructed_curves(X)


@pytest.mark.parametrize("name", CURVES)
def test_constructed_curves_are_called_what_they_were_built_to_be(name):
    curve, built = CURVES[name]
    assert regimes.regime(curve, X) == built


@pytest.mark.parametrize(
    ("curve", "name"),
    [
        ([0.9, 0.9, 0.9, 0.9, 0.9, 0.9], "graceful"),  # all points equal
        ([0.95, 0.94, 0.93, 0.92, 0.91, 0.89], "near-linear"),  # six points: no longer graceful
        ([0.95, 0.95, 0.60, 0.95, 0.95, 0.95], "undecided"),  # one odd severity
        ([0.60, 0.70, 0.80, 0.85, 0.90, 0.95], "graceful"),  # rises: nothing is lost
        ([0.95, 0.94, 0.93, 0.92, 0.90, 0.30], "threshold"),
        ([0.95, 0.55, 0.54, 0.56, 0.53, 0.52], "early-plateau"),
    ],
)
def test_curves_with_an_answer_known_by_hand(curve, name):
    assert regimes.regime(curve, X) == name


def test_many_curves_at_once_are_called_as_one_by_one():
    curves = np.array([curve for curve, _ in CURVES.values()])
    assert regimes.regime(curves, X).tolist() == [regimes.regime(curve, X) for curve in curves]
    assert regimes.regime(curves.reshape(2, 4, 6), X).shape == (2, 4)


def test_the_unit_of_the_axis_makes_no_difference_but_its_steps_do():
    curve = CURVES["line"][0]
    assert regimes.regime(curve, 7 + 3 * X) == "near-linear"
    late = np.array([0, 0.02, 0.04, 0.06, 0.08, 1.0])  # the same losses, all but the last together
    assert regimes.regime(curve, late) != "near-linear"


def test_hinge_is_the_least_squares_fit_of_scipy():
    curve = np.array([0.95, 0.93, 0.92, 0.80, 0.66, 0.48])
    x = X / 5

    def pieces(x, level, before, after, *, knot):
        return level - before * x - (after - before) * np.maximum(x - knot, 0)

    least = np.inf
    for knot in x[1:-1]:
        line = functools.partial(pieces, knot=knot)
        coefficients, _ = curve_fit(line, x, curve, p0=(1, 0, 1))
        residuals = curve - line(x, *coefficients)
        if np.square(residuals).sum() < least:
            least = np.square(residuals).sum()
            _, before, after = coefficients
            deviation = np.abs(residuals).max()
    assert np.allclose(regimes.best_hinge(curve, x), (before, after, deviation), atol=1e-6)


def test_noise_alone_is_graceful_and_what_is_unstable_is_undecided():
    rng = np.random.default_rng(0)
    level = rng.binomial(10_000, 0.9, size=(500, 6)) / 10_000
    assert regimes.regime_shares(level, X) == {"graceful": 1.0}
    border = 0.95 - regimes.GRACEFUL * X / 5  # loses just what is allowed: chance decides
    samples = rng.binomial(10_000, border, size=(500, 6)) / 10_000
    verdict = regimes.stable_regime(border - 1e-9 * X, samples, X)
    assert verdict["regime"] == "undecided" and 0 < verdict["share"] < regimes.STABLE
    line = CURVES["line"][0]
    clear = rng.binomial(10_000, line, size=(500, 6)) / 10_000
    assert regimes.stable_regime(line, clear, X) == {
        "regime": "near-linear",
        "point": "near-linear",
        "share": 1.0,
    }


def test_smooth_curves_are_rarely_called_thresholds():
    table = regimes.false_alarm_table(X, n=10_000, repeats=300, generator=np.random.default_rng(1))
    assert set(table.index) == set(CURVES)
    assert np.allclose(table[list(regimes.REGIMES)].sum(axis=1), 1)
    assert (table.loc[table.built != "threshold", "threshold"] < 0.05).all()
    assert table.loc["break", "threshold"] > 0.95


def test_judge_all_goes_by_the_axes_given():
    curves = {"fog": CURVES["break"][0], "contrast": CURVES["line"][0]}
    samples = {name: np.stack([curve] * 3) for name, curve in curves.items()}
    table = regimes.regime_rows(curves, samples, {"contrast": X, "fog": X})
    assert table.regime.to_dict() == {"contrast": "near-linear", "fog": "threshold"}


@pytest.mark.parametrize(
    ("curve", "positions", "words"),
    [
        ([0.9, 0.8, 0.7], [0, 1, 2], "three severities"),
        ([0.9, 0.8, 0.7, 0.6], [0, 1, 1, 2], "do not ascend"),
        ([0.9, 0.8, 0.7, 0.6], [0, 1, 2, np.nan], "do not ascend"),
        ([0.9, 0.8, 0.7], [0, 1, 2, 3], "last axis"),
        ([90, 80, 70, 60], [0, 1, 2, 3], "fractions"),
        ([0.9, np.nan, 0.7, 0.6], [0, 1, 2, 3], "n must not be 0"),
    ],
)
def test_what_is_no_curve_is_refused(curve, positions, words):
    with pytest.raises(ValueError, match=words):
        regimes.regime(curve, positions)


@pytest.mark.parametrize(("n", "repeats"), [(0, 10), (10, 0)])
def test_nothing_measured_is_refused(n, repeats):
    with pytest.raises(ValueError, match="at least 1"):
        regimes.false_alarm_table(X, n=n, repeats=repeats, generator=np.random.default_rng(0))
