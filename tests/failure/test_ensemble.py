import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from visionfail.failure.ensemble import advice, ensemble_scores

RNG = np.random.default_rng(0)
LOGITS = [RNG.normal(size=(50, 4)) for _ in range(3)]


def test_scores_are_those_of_scipy_about_the_answers_of_one_member():
    mean = np.mean([softmax(logits, axis=1) for logits in LOGITS], axis=0)
    for member, logits in enumerate(LOGITS):
        scores = ensemble_scores(LOGITS, member=member)
        answers = logits.argmax(axis=1)
        assert np.allclose(scores["ensemble, 1 - p"], 1 - mean[np.arange(50), answers])
        assert np.allclose(scores["ensemble, entropy"], entropy(mean, axis=1))
        otherwise = [(other.argmax(axis=1) != answers) for other in LOGITS]
        assert np.allclose(scores["ensemble, votes"], np.mean(otherwise, axis=0))


def test_members_that_agree_say_what_one_says():
    scores = ensemble_scores([LOGITS[0]] * 2, member=0)
    assert np.allclose(scores["ensemble, 1 - p"], 1 - softmax(LOGITS[0], axis=1).max(axis=1))
    assert (scores["ensemble, votes"] == 0).all()
    certain = ensemble_scores([np.array([[1e4, 0.0]])] * 2, member=0)
    assert all(np.isfinite(values).all() for values in certain.values())


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("logits", [LOGITS[:1], [LOGITS[0], LOGITS[1][:, :3]]])
def test_what_is_no_ensemble_is_refused(logits):
    with pytest.raises(ValueError, match="two members"):
        ensemble_scores(logits, member=0)


def test_advice_is_the_log_odds_of_the_mean_probability_and_the_entropy_and_stays_finite():
    for member in range(3):
        scores = ensemble_scores(LOGITS, member=member)
        doubt = scores["ensemble, 1 - p"]
        columns = advice(LOGITS, member=member)
        assert columns.shape == (50, 2)
        assert np.allclose(columns[:, 0], np.log((1 - doubt) / doubt), atol=1e-5)
        assert np.allclose(columns[:, 1], scores["ensemble, entropy"])
    certain = [np.array([[1e4, 0.0], [0.0, 1e4]]), np.array([[1e4, 0.0], [1e4, 0.0]])]
    assert np.isfinite(advice([certain[0]] * 2, member=0)).all()
    assert np.isfinite(advice(certain, member=0)).all()
