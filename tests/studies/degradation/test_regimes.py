import numpy as np
import pytest

from visionfail.figures.degradation import REGIME_COLOURS
from visionfail.studies.degradation import regimes

X = np.arange(6)
x = X / 5


@pytest.mark.parametrize(
    ("curve", "name"),
    [
        ([0.9, 0.9, 0.9, 0.9, 0.9, 0.9], "mild"),  # all points equal
        ([0.60, 0.70, 0.80, 0.85, 0.90, 0.95], "mild"),  # rises: nothing is lost
        ([0.95, 0.94, 0.93, 0.92, 0.91, 0.86], "mild"),  # nine points
        ([0.95, 0.55, 0.54, 0.56, 0.53, 0.52], "early collapse"),  # rises by two points after it
        ([0.95, 0.85, 0.70, 0.75, 0.60, 0.50], "non-monotone"),
        ([0.95, 0.85, 0.70, 0.71, 0.60, 0.50], "no bend"),  # a rise of a point is noise
        ([0.95, 0.94, 0.93, 0.92, 0.90, 0.30], "late collapse"),
        ([0.95, 0.93, 0.90, 0.50, 0.47, 0.45], "mid collapse"),
        (0.95 - 0.45 * x**2, "accelerating"),
        (0.95 - 0.45 * x**0.5, "decelerating"),
        (0.95 - 0.4 * x, "no bend"),
        (0.95 - 0.4 * (0.7 * x + 0.3 * x**2), "no bend"),  # a bend of 0.06
    ],
)
def test_curves_with_an_answer_known_by_hand(curve, name):
    assert regimes.regime(curve, X) == name


@pytest.mark.parametrize("power", [1, 1.3, 2, 3, 0.7, 0.3])
def test_the_same_shape_has_the_same_name_whatever_is_lost(power):
    names = {regimes.regime(0.95 - loss * x**power, X) for loss in (0.12, 0.3, 0.6, 0.9)}
    assert len(names) == 1


def test_every_regime_has_a_colour_in_figures():
    assert set(REGIME_COLOURS) == {*regimes.REGIMES, regimes.UNSTABLE}


def test_shape_in_closed_form():
    of_parabola = regimes.shape(0.9 - 0.5 * x**2, X)
    assert of_parabola.loss == pytest.approx(0.5) and of_parabola.rise == 0
    assert np.allclose(of_parabola.steps, np.diff(x**2))
    # the mean of x^2 - x over 0.2, 0.4, 0.6, 0.8
    assert of_parabola.bend == pytest.approx(0.3 - 0.5)
    risen = regimes.shape([0.9, 0.5, 0.7, 0.6, 0.8, 0.4], X)
    assert risen.rise == pytest.approx(0.3) and risen.steps.sum() == pytest.approx(1)


def test_distance_from_the_best_line_is_that_of_polyfit():
    curves = np.random.default_rng(0).random((20, 6))
    for curve, distance in zip(curves, regimes.distance_from_line(curves, X), strict=True):
        line = np.polyval(np.polyfit(X, curve, 1), X)
        expected = np.abs(curve - line).max() / (curve[0] - curve.min() or np.inf)
        assert distance == pytest.approx(expected, abs=1e-12)
    assert regimes.distance_from_line(0.9 - 0.5 * x, X) == pytest.approx(0, abs=1e-12)


def test_many_curves_at_once_are_called_as_one_by_one():
    curves = np.random.default_rng(1).random((40, 6))
    one_by_one = [regimes.regime(curve, X) for curve in curves]
    assert regimes.regime(curves, X).tolist() == one_by_one
    assert regimes.regime(curves.reshape(4, 10, 6), X).shape == (4, 10)


def test_the_unit_of_the_axis_makes_no_difference_but_its_steps_do():
    curve = 0.95 - 0.4 * x
    assert regimes.regime(curve, 7 + 3 * X) == "no bend"
    late = [0, 0.02, 0.04, 0.06, 0.08, 1.0]  # four fifths of the loss within a twelfth of the axis
    assert regimes.regime(curve, late) == "decelerating"
    steep = [0.95, 0.94, 0.93, 0.92, 0.90, 0.30]
    assert regimes.regime(steep, late) != "late collapse"  # its step is nearly the whole axis


def test_noise_alone_is_mild_and_what_wavers_is_unstable():
    rng = np.random.default_rng(0)
    level = rng.binomial(10_000, 0.9, size=(500, 6)) / 10_000
    assert regimes.regime_shares(level, X) == {"mild": 1.0}
    border = 0.95 - regimes.MILD * x  # loses just what is allowed: chance decides
    samples = rng.binomial(10_000, border, size=(500, 6)) / 10_000
    wavering = regimes.stable_regime(border - 1e-9 * X, samples, X)
    assert wavering["regime"] == "unstable" and 0 < wavering["share"] < regimes.STABLE
    line = 0.95 - 0.4 * x
    clear = rng.binomial(10_000, line, size=(500, 6)) / 10_000
    assert regimes.stable_regime(line, clear, X) == {
        "regime": "no bend",
        "point": "no bend",
        "share": 1.0,
    }


def test_rows_go_by_the_axes_given():
    curves = {"fog": [0.95, 0.94, 0.93, 0.92, 0.9, 0.3], "contrast": 0.95 - 0.4 * x}
    samples = {name: np.stack([curve] * 3) for name, curve in curves.items()}
    table = regimes.regime_rows(curves, samples, {"contrast": X, "fog": X})
    assert table.regime.to_dict() == {"contrast": "no bend", "fog": "late collapse"}


@pytest.mark.fault("bad arguments")
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
