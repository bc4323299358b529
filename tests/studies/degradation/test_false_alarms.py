import numpy as np
import pytest

from visionfail.studies.degradation import false_alarms, regimes

X = np.arange(6)


@pytest.mark.parametrize("rising", [False, True])
def test_random_curves_begin_clean_and_lose_what_they_say(rising):
    rng = np.random.default_rng(0)
    curves = false_alarms.random_curves(500, 6, rising=rising, generator=rng)
    assert (curves[:, 0] == false_alarms.CLEAN).all()
    loss = curves[:, 0] - curves.min(axis=1)
    assert loss.min() > 0.04 and loss.max() <= 0.8 and np.ptp(loss) > 0.7
    assert (regimes.shape(curves, X).rise > 0).all() == rising


def test_a_stable_regime_is_seldom_wrong_and_never_with_endless_images():
    def table(n):
        return false_alarms.false_alarm_table(
            X, n=n, curves=300, bootstraps=80, generator=np.random.default_rng(1)
        )

    measured = table(10_000)
    assert list(measured.kind.unique()) == ["falling", "rising once"]
    assert measured.curves.sum() <= 600 and (measured["stable but wrong"] < 0.03).all()
    endless = table(10**12)
    assert (endless["stable but wrong"] == 0).all() and (endless.stable > 0.98).all()


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("name", ["n", "curves", "bootstraps"])
def test_nothing_measured_is_refused(name):
    numbers = {"n": 10, "curves": 10, "bootstraps": 10}
    numbers[name] = 0
    with pytest.raises(ValueError, match="at least 1"):
        false_alarms.false_alarm_table(X, generator=np.random.default_rng(0), **numbers)
