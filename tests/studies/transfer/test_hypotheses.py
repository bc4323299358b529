"""The claims' values on answers whose truth is known by construction."""

import numpy as np
import pytest

from visionfail import metrics, paths
from visionfail.studies.transfer import claims, hypotheses, interpretation, recipes
from visionfail.studies.transfer.answers import Asked, Trained
from visionfail.studies.transfer.shifts import SHUFFLED, shifted_conditions

N = 1000
LABELS = np.tile(np.arange(10), N // 10)
COUNTS = metrics.resampling_counts(200, N, np.random.default_rng(0))


def asked_of(predicted):
    predicted = np.atleast_2d(predicted)
    return Asked(predicted, np.ones(predicted.shape, dtype=np.float16), LABELS)


def with_errors(pair, count):
    """Answers with the first `count` images of each class of the pair answered as the other."""
    predicted = LABELS.copy()
    for this, other in (pair, pair[::-1]):
        predicted[np.flatnonzero(this == LABELS)[:count]] = other
    return predicted


def votes_on(predicted, share):
    """Everybody votes for the label but on wrong answers a `share` of the people for the answer."""
    votes = np.zeros((N, 10))
    votes[np.arange(N), LABELS] = 1
    for image in np.flatnonzero(predicted != LABELS):
        votes[image, LABELS[image]] -= share
        votes[image, predicted[image]] += share
    return votes


def test_a_reference_that_confuses_one_pair_alone():
    predicted = with_errors((3, 5), 20)
    found = hypotheses.of_reference(asked_of(predicted), votes_on(predicted, 0.3), COUNTS)
    assert found["D1a"].value == pytest.approx(0.96)
    assert found["D5"].value == pytest.approx(1 - (4 + 2 * 0.8) / 6)  # two of six animals at 80%
    assert found["D6a"].value == 1 and found["D6b"].value == 0
    assert found["D7a"].value == pytest.approx(0.3)  # nobody votes for the eight others
    assert found["D7b"].value == pytest.approx(0)
    assert found["D6a"].n == 40  # errors, not images


def test_contested_labels_count_where_they_are_among_errors():
    predicted = with_errors((0, 2), 10)
    found = hypotheses.of_reference(asked_of(predicted), votes_on(predicted, 0.6), COUNTS)
    assert found["D7b"].value == pytest.approx(1 - 20 / N)  # all errors, and 20 of all images


def test_votes_for_other_wrong_classes_are_taken_away():
    predicted = with_errors((1, 9), 1)
    votes = np.full((N, 10), 0.05)
    votes[np.arange(N), LABELS] = 0.55
    found = hypotheses.of_reference(asked_of(predicted), votes, COUNTS)
    assert found["D7a"].value == pytest.approx(0)


def trained(name, test, val=None, shifted=None):
    member = recipes.members()[name]
    test = asked_of(test)
    val = test if val is None else asked_of(val)
    made = [{"seed": seed} for seed in range(len(test.predicted))]
    return Trained(member, test, val, shifted, made)


def test_a_recipe_is_compared_by_the_seeds_that_both_have():
    better = np.stack([LABELS, LABELS, with_errors((0, 1), 50)])
    worse = with_errors((3, 5), 25)
    networks = {"cutmix-64": trained("cutmix-64", better), "tuned-64": trained("tuned-64", worse)}
    found = hypotheses.of_ladder(networks, COUNTS)
    assert found["D10a"].value == pytest.approx(0.05) and found["D10a"].seeds == "0"
    assert "D10b" not in found


def test_the_constant_rate_is_chosen_on_validation_data():
    good, bad = LABELS, with_errors((3, 5), 50)
    networks = {
        "constant-0.01-64": trained("constant-0.01-64", good, val=bad),
        "constant-0.1-64": trained("constant-0.1-64", bad, val=good),
    }
    assert hypotheses.best_constant(networks) == "constant-0.1-64"


def test_weak_classes_are_those_of_the_baselines_validation_answers():
    before = np.stack([with_errors((3, 5), 20), with_errors((0, 2), 20)])
    after = np.stack([with_errors((3, 5), 5), with_errors((0, 2), 5)])
    networks = {
        "tuned-64": trained("tuned-64", before),
        "hard-64": trained("hard-64", after),
    }
    found = hypotheses.of_classes(networks, COUNTS)
    assert found["D10d"].value == pytest.approx(0.15) and found["D10d"].n == 200  # the pair's


def shuffled(right):
    rows = np.zeros((1, len(shifted_conditions()), right.shape[-1]), dtype=int)
    rows[0, shifted_conditions().index((SHUFFLED, 4))] = np.where(right, LABELS, (LABELS + 1) % 10)
    return rows


def test_what_is_kept_under_shuffled_tiles_is_a_share_of_clean_right_answers():
    predicted = with_errors((3, 5), 50)  # half of the cats and dogs are wrong when clean
    right = predicted == LABELS
    kept = right & ~np.isin(LABELS, claims.OTHER_ANIMALS)  # other animals lose all
    baseline = trained("tuned-64", predicted, shifted=shuffled(kept))
    found = hypotheses.of_tiles({"tuned-64": baseline}, COUNTS)
    assert found["D9a"].value == pytest.approx(1)
    cutmix = trained("cutmix-64", LABELS, shifted=shuffled(np.zeros(N, dtype=bool)))
    found = hypotheses.of_tiles({"tuned-64": baseline, "cutmix-64": cutmix}, COUNTS)
    assert found["D9b"].value == pytest.approx(kept.sum() / right.sum())
    assert found["D9b"].n == N


def test_tables_of_shuffled_tiles_show_what_is_answered_and_what_both_got_right():
    always_a_truck = np.full((1, len(shifted_conditions()), N), 9)
    networks = {
        "tuned-64": trained("tuned-64", with_errors((3, 5), 50), shifted=always_a_truck),
        "cutmix-64": trained("cutmix-64", LABELS, shifted=shuffled(np.ones(N, dtype=bool))),
    }
    table = interpretation.shuffled_table(networks, COUNTS)
    of_four = table[table.tiles == 4].set_index(["recipe", "classes"])
    assert of_four.answered["fine-tuned, 64", "cat"] == 0
    assert of_four.answered["fine-tuned, 64", "all"] == 1
    assert of_four["right when whole"]["fine-tuned, 64", "cat"] == 50
    assert of_four.kept["fine-tuned, 64", "all"] == pytest.approx(100 / 900)  # the trucks
    shared = interpretation.kept_on_shared(networks, COUNTS)
    assert shared.kept.tolist() == pytest.approx([100 / 900, 1])
    assert shared["right by both"].tolist() == [900, 900]


def test_what_people_say_of_errors_is_counted():
    predicted = with_errors((3, 5), 20)
    votes = votes_on(predicted, 0.6)
    wrong = np.flatnonzero(predicted != LABELS)
    votes[wrong[:10]] = np.eye(10)[LABELS[wrong[:10]]]  # all people choose the label
    counted = interpretation.votes_table(asked_of(predicted), votes)
    assert counted["count"].tolist() == [10, 10, 30, 30]
    assert counted.share.tolist() == pytest.approx([0.25, 0.25, 0.75, 0.75])
    assert set(counted.n) == {40}


def test_a_gap_between_vehicles_and_animals_is_told_without_its_worst_classes():
    asked = asked_of(with_errors((3, 5), 20))
    assert hypotheses.rigid_minus_organic(asked, COUNTS).exact[0] == pytest.approx(0.4 / 6)
    without = hypotheses.rigid_minus_organic(asked, COUNTS, without=(3, 5))
    assert without.exact[0] == pytest.approx(0)


def test_every_claim_of_the_notes_is_in_code_with_its_words():
    notes = (paths.ROOT / "notes" / "claims.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in notes.splitlines() if line.startswith("| D")]
    written = {row[0].removeprefix("| "): row[1] for row in rows}
    assert set(written) == {claim.key for claim in claims.TRANSFER_CLAIMS}


def test_a_claim_is_judged_by_its_region():
    found = {"D1a": claims.Found(0.9, 0.89, 0.91, 100, "0")}
    found["D7b"] = claims.Found(0.2, 0.1, 0.3, 40, "0")
    found["D3"] = claims.Found(0.0, -0.1, 0.1, 100, "0 to 2")
    found["D11"] = claims.Found(0.1, 0.05, 0.15, 100, "0")
    judged = claims.judge_transfer(found, weights="trunk").set_index("claim")
    assert judged.verdict.to_dict() == {
        "D1a": "holds",
        "D3": "undecided",
        "D7b": "fails",
        "D11": "undecided",
    }
    assert judged.status["D1a"] == judged.status["D3"] == "exploratory, weights trunk"


@pytest.mark.parametrize("claim", ["D11", "D13"])
@pytest.mark.parametrize(("sign", "verdict"), [(1, "holds"), (-1, "fails")])
def test_a_claim_about_recipes_needs_a_second_training_seed(claim, sign, verdict):
    lo, hi = sorted([sign * 0.05, sign * 0.15])
    for seeds, expected in {"0": "undecided", "0 to 2": verdict}.items():
        found = {claim: claims.Found(sign * 0.1, lo, hi, 100, seeds)}
        (row,) = claims.judge_transfer(found, weights="trunk").to_dict("records")
        assert (row["verdict"], row["value"]) == (expected, sign * 0.1)
        assert row["status"].endswith(claims.ALONE) == (seeds == "0")


def test_seeds_are_named_as_they_are():
    estimate = hypotheses.measures.accuracy_of(asked_of(np.stack([LABELS] * 3)), COUNTS)
    named = [claims.Found.of(estimate, n=N, seeds=s).seeds for s in ([0], [0, 2], [0, 1, 2])]
    assert named == ["0", "0, 2", "0 to 2"]


def test_seeds_that_would_decide_are_told_of_undecided_claims_of_several_seeds():
    by_seed = (-0.01, 0.03, 0.01)  # their SD is 0.02: over images alone +-0.024 is left
    scattered = (-0.03, 0.05, 0.01)  # SD 0.04, which explains all of +-0.037
    found = {
        "D4": claims.Found(0.01, -0.02, 0.04, 100, "0 to 2", by_seed),
        "D9b": claims.Found(0.01, -0.027, 0.047, 100, "0 to 2", scattered),
        "D10a": claims.Found(0.01, 0.005, 0.015, 100, "0 to 2", by_seed),
        "D11": claims.Found(0.01, -0.02, 0.04, 100, "0"),
    }
    judged = claims.judge_transfer(found, weights="trunk")
    told = dict(zip(judged.claim, claims.would_decide(found, judged), strict=True))
    assert told["D10a"] == "" and told["D11"] == ""
    assert told["D4"] == "more images"
    needed = int(told["D9b"].removesuffix(" seeds"))  # 1.96 SD / sqrt(S) < 0.01 from 62 on
    assert 62 <= needed <= 70
