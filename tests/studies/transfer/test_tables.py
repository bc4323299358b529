"""Tables of the study: what they say of answers whose truth is known."""

import numpy as np
import pandas as pd
import pytest
import torch
from makers import random_outcomes

from visionfail import corruptions, files, metrics, profiles
from visionfail.data import ImageSet
from visionfail.studies import transfer
from visionfail.studies.run import Run
from visionfail.studies.transfer import recipes, robustness, setup, tables
from visionfail.studies.transfer.answers import Asked, Trained
from visionfail.studies.transfer.duplicates import Nearest
from visionfail.studies.transfer.shifts import shifted_conditions

N = 400
LABELS = np.tile(np.arange(10), N // 10)
COUNTS = metrics.resampling_counts(100, N, np.random.default_rng(0))


def asked_of(*predicted, log_odds=1.0):
    predicted = np.stack(predicted)
    return Asked(predicted, np.full(predicted.shape, log_odds, dtype=np.float16), LABELS)


def wrong_at(images):
    predicted = LABELS.copy()
    predicted[images] = (predicted[images] + 1) % 10
    return predicted


def trained(name, *predicted, right_when_shifted=True, seeds=None, history=()):
    member = recipes.members()[name]
    asked = asked_of(*predicted)
    answers = LABELS if right_when_shifted else (LABELS + 1) % 10
    shifted = np.tile(answers, (len(predicted), len(shifted_conditions()), 1))
    record = {"pretrained": "trunk", "images": 10_000, "seconds": 90.0, "history": history}
    made = [{**record, "seed": seed} for seed in seeds or range(len(predicted))]
    return Trained(member, asked, asked, shifted, made)


def test_accuracy_with_and_without_near_duplicates():
    near = np.zeros(N, dtype=bool)
    near[:100] = True
    found = transfer.accuracy_without(asked_of(wrong_at(np.arange(90, 140))), near, COUNTS)
    assert found.value.tolist() == pytest.approx([350 / 400, 260 / 300, 0.9])
    assert found.n.tolist() == [400, 300, 100]


def test_a_constant_ratio_has_no_spread():
    found = transfer.log_ratio(np.full(20, 3.0), np.full(20, 1.5))
    assert (found.value, found.lo, found.hi) == pytest.approx([np.log(2)] * 3)
    assert found.n == 20


def test_the_surest_mistakes_come_first_with_the_training_image_most_like_them():
    predicted = wrong_at([5, 17, 30])
    log_odds = np.ones((1, N), dtype=np.float16)
    log_odds[0, [5, 17, 30]] = [2, 8, 4]
    log_odds[0, 40] = 9  # surest of all, and right
    none = np.zeros(N, dtype=bool)
    nearest = Nearest(np.linspace(0, 1, N), np.ones(N), np.arange(N) + 1000, none, none)
    classes = [f"class {k}" for k in range(10)]
    learnt = np.arange(2000) % 10
    votes = np.zeros((N, 10))
    votes[np.arange(N), LABELS] = 0.7
    votes[17, 8] = 0.3
    asked = Asked(predicted[None], log_odds, LABELS)
    found = transfer.confident_mistakes(asked, nearest, learnt, votes, classes=classes, count=2)
    assert found["label of nearest"].tolist() == ["class 7", "class 0"]
    assert found["people for label"].tolist() == [0.7, 0.7]
    assert found["people for answer"].tolist() == [0.3, 0]
    assert found.beside[0] == f"class 7\n{17 / (N - 1):.2f}"
    without = transfer.confident_mistakes(asked, nearest, learnt, None, classes=classes, count=2)
    assert "people for label" not in without
    assert found.image.tolist() == [17, 30] and found.nearest.tolist() == [1017, 1030]
    assert found.label.tolist() == ["class 7", "class 0"]
    assert found.answer.tolist() == ["class 8", "class 1"]
    assert found.confidence.tolist() == pytest.approx(
        (1 / (1 + np.exp([-8, -4]))).tolist(), abs=1e-3
    )


def test_changes_are_differences_to_the_baseline_by_the_seeds_that_both_have():
    networks = {
        "tuned-64": trained("tuned-64", wrong_at(range(40)), wrong_at(range(40)), LABELS),
        "cutmix-64": trained("cutmix-64", LABELS, LABELS, right_when_shifted=False),
    }
    found = transfer.changes_table(networks, COUNTS).set_index("measure")
    assert set(found.change) == {"CutMix"} and set(found.seeds) == {2}
    assert found.value["accuracy"] == pytest.approx(0.1)
    assert found.value["19 corruptions"] == pytest.approx(-1)
    assert found.value["macro F1"] > 0 and found.value["worst class"] > 0
    assert found.better["accuracy"] == "yes" and found.better["19 corruptions"] == "no"
    assert found.n["accuracy"] == N


def test_changes_pair_networks_by_their_seeds_and_not_by_their_order():
    networks = {
        "tuned-64": trained("tuned-64", wrong_at(range(200)), wrong_at(range(40)), LABELS),
        "hard-64": trained("hard-64", LABELS, LABELS, seeds=[1, 2]),
    }
    found = transfer.changes_table(networks, COUNTS).set_index("measure")
    assert found.value["accuracy"] == pytest.approx(0.05)  # of 0.1 and 0, and not of 0.5


def test_recipes_without_a_common_seed_are_not_compared():
    networks = {
        "tuned-64": trained("tuned-64", LABELS),
        "hard-64": trained("hard-64", LABELS, seeds=[1]),
    }
    with pytest.raises(ValueError, match="no seed in common"):
        transfer.changes_table(networks, COUNTS)


def test_a_lower_calibration_error_is_better():
    assert tables.is_better(-0.02, -0.01, lower=True) == "yes"
    assert tables.is_better(-0.02, -0.01, lower=False) == "no"
    assert tables.is_better(0.01, 0.02, lower=True) == "no"
    assert tables.is_better(-0.01, 0.02, lower=False) == "undecided"


def test_the_best_constant_rate_alone_is_compared_with_the_baseline():
    networks = {
        "tuned-64": trained("tuned-64", wrong_at(range(20))),
        "at-once-64": trained("at-once-64", wrong_at(range(60))),
        "constant-0.01-64": trained("constant-0.01-64", wrong_at(range(100))),
        "constant-0.1-64": trained("constant-0.1-64", wrong_at(range(10))),
    }
    found = transfer.ablation_table(networks, COUNTS).set_index("recipe")["baseline minus it"]
    assert found["all layers at once, 64"] == pytest.approx(0.1)
    assert found["constant rate 0.1"] == pytest.approx(-0.025)
    assert np.isnan(found["constant rate 0.01"]) and np.isnan(found["fine-tuned, 64"])


def test_accuracy_by_epoch_is_the_mean_over_seeds():
    history = [{"val_accuracy": 0.5}, {"val_accuracy": 0.7}]
    networks = {"tuned-64": trained("tuned-64", LABELS, LABELS, history=history)}
    networks["tuned-64"].made[1]["history"] = [{"val_accuracy": 0.7}, {"val_accuracy": 0.9}]
    curves = transfer.accuracy_by_epoch(networks)
    assert curves["fine-tuned, 64"] == pytest.approx([0.6, 0.8])


def test_a_kernel_is_compared_with_bilinear_on_validation_images():
    networks = {
        "frozen-128": trained("frozen-128", wrong_at(range(40))),
        "frozen-128-bicubic-pil": trained("frozen-128-bicubic-pil", wrong_at(range(20))),
    }
    found = transfer.resizing_table(networks, COUNTS).set_index("resizing")["minus bilinear"]
    assert found["bicubic-pil"] == pytest.approx(0.05) and np.isnan(found["bilinear"])
    del networks["frozen-128"]
    assert len(transfer.resizing_table(networks, COUNTS)) == 1


def test_robustness_of_two_recipes_is_of_their_own_accuracy():
    networks = {
        "tuned-64": trained("tuned-64", LABELS),
        "scratch-64": trained("scratch-64", LABELS, right_when_shifted=False),
    }
    found = transfer.controlled_table(networks, COUNTS).set_index("network").kept
    assert found.tolist() == [1, 0, 1]


def test_networks_from_other_weights_than_the_references_are_refused():
    networks = {"tuned-64": trained("tuned-64", LABELS)}
    setup.check_weights(networks, "trunk")
    with pytest.raises(ValueError, match=r"IMAGENET1K_V1.*tuned-64 with 'trunk'"):
        setup.check_weights(networks, "IMAGENET1K_V1")


def test_a_ladder_of_another_set_is_refused():
    with pytest.raises(ValueError, match="'svhn': choose one of cifar10, imagenette"):
        setup.load_ladder(None, "svhn", weights="trunk")


def test_rungs_are_frozen_tuned_and_scratch_and_nothing_else():
    names = ("frozen-64", "frozen-128-bicubic", "tuned-64", "scratch-64", "cutmix-64")
    networks = {name: trained(name, wrong_at(range(20))) for name in names}
    found = transfer.ladder_table(networks, bootstraps=50)
    assert found.kind.tolist() == ["frozen", "fine-tuned", "from scratch"]
    assert set(found.minutes) == {1.5} and set(found.images) == {10_000}
    assert found.value.tolist() == pytest.approx([0.95] * 3) and set(found.n) == {N}


def test_recall_is_of_each_rung_and_class():
    wrong = np.flatnonzero(LABELS == 3)[:10]  # of 40
    networks = {"tuned-64": trained("tuned-64", LABELS, LABELS)}
    networks["scratch-64"] = trained("scratch-64", wrong_at(wrong))
    found = transfer.recall_table(networks, list("abcdefghij"), bootstraps=50)
    assert found.recipe.tolist() == ["fine-tuned, 64"] * 10 + ["from scratch, 64"] * 10
    assert found.recall.tolist() == [1.0] * 13 + [0.75] + [1.0] * 6
    assert set(found.n) == {40} and found.seeds.tolist() == [2] * 10 + [1] * 10
    worst = found.iloc[13]
    assert worst["class"] == "d" and worst.lo < 0.75 < worst.hi


def test_mean_pictures_and_which_darken():
    images = torch.zeros(6, 3, 4, 4, dtype=torch.uint8)
    images[2:4, :, :2] = 100  # class 1 is brighter above
    images[5] = 30
    found = transfer.mean_pictures(ImageSet(images, torch.arange(6) // 2, tuple("abc"), "standin"))
    assert found.shape == (3, 3, 4, 4)
    assert found[1, 0, 0, 0] == 100 and found[1, 0, 3, 0] == 0 and (found[2] == 15).all()
    assert transfer.darkening(found).tolist() == [0, 100, 0]


def test_a_second_set_is_none_where_none_is_named_or_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))
    run = Run(profile=profiles.QUICK, sets={}, origin="official", stored=True)
    assert transfer.load_second(run, "") == {}
    assert transfer.load_second(run, "imagenette") == {}


@pytest.mark.fault("results of another run")
def test_seeds_from_other_weights_are_not_mixed(tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "FULL", type("P", (), {"results": tmp_path}))
    member = recipes.members()["tuned-64"]
    arrays = {"test_labels": LABELS, "val_labels": LABELS}
    for split in ("test", "val"):
        arrays[f"{split}_predicted"] = LABELS
        arrays[f"{split}_log_odds"] = np.ones(N)
    for seed, weights in enumerate(("trunk", "IMAGENET1K_V1")):
        made = {"pretrained": weights, "seconds": 1.0, "seed": seed}
        files.save_arrays(recipes.answers_file(member, seed), arrays, made=made)
    with pytest.raises(ValueError, match="IMAGENET1K_V1, trunk"):
        transfer.stored_networks(member)


def test_the_seeds_of_a_recipe_are_those_that_are_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "FULL", type("P", (), {"results": tmp_path}))
    member = recipes.members()["constant-0.1-64"]
    assert transfer.stored_networks(member) is None
    arrays = {"test_labels": LABELS, "val_labels": LABELS}
    for split in ("test", "val"):
        arrays[f"{split}_predicted"] = LABELS
        arrays[f"{split}_log_odds"] = np.ones(N)
    for seed in (0, 2):  # the best rate has more seeds than others
        made = {"pretrained": "trunk", "seconds": 1.0, "seed": seed}
        files.save_arrays(recipes.answers_file(member, seed), arrays, made=made)
    assert transfer.stored_networks(member).seeds == [0, 2]


def test_what_is_kept_under_corruptions_is_a_ratio_of_two_accuracies():
    outcomes, _, _ = random_outcomes()
    n = len(outcomes.labels)
    found = robustness.share_kept(outcomes, np.ones((1, n)))
    clean = outcomes.correct[outcomes.at("clean", 0)].mean()
    rows = [
        outcomes.correct[outcomes.at(name, severity)].mean()
        for name in corruptions.CORRUPTIONS
        for severity in range(1, 6)
    ]
    assert found.exact[0] == pytest.approx(np.mean(rows) / clean)


def test_the_rate_of_the_base_is_zero_while_frozen_and_a_share_after():
    rounds = recipes.staged(recipes.HEAD, recipes.WHOLE, seed=0)
    trace = transfer.rate_trace(rounds, images=1280)  # ten steps an epoch
    frozen = 10 * recipes.HEAD.epochs
    assert len(trace["head"]) == 10 * (recipes.HEAD.epochs + recipes.WHOLE.epochs)
    assert (trace["base"][:frozen] == 0).all()
    assert trace["base"][frozen:] == pytest.approx(0.5 * trace["head"][frozen:])
    assert trace["head"].max() == pytest.approx(0.1, rel=0.1) and trace["head"][-1] < 0.005


def test_rows_of_results_name_weights_and_hold_the_n_of_each_measure():
    networks = {
        "tuned-64": trained("tuned-64", wrong_at(range(40))),
        "scratch-64": trained("scratch-64", wrong_at(range(80))),
        "cutmix-64": trained("cutmix-64", LABELS),
    }
    reference, _, _ = random_outcomes()
    ladder = transfer.ladder_table(networks, bootstraps=50)
    changes = transfer.changes_table(networks, COUNTS)
    controlled = transfer.controlled_table(networks, COUNTS)
    controls = pd.DataFrame([{"claim": "D5", "control": "without", "value": 0.01}])
    controls = controls.assign(lo=-0.01, hi=0.03, n=N)
    measured = (reference, ladder, changes, controlled, controls)
    rows = transfer.result_rows(*measured, origin="official", bootstraps=50)
    table = pd.DataFrame(rows)
    rung = table[table.condition == "ladder: fine-tuned, 64 (weights: trunk)"]
    assert rung.set_index("metric").value.to_dict() == pytest.approx(
        {"accuracy": 0.9, "minutes": 1.5}
    )
    assert table.loc[table.condition == "CutMix", "n"].tolist() == [N] * 5
    kept = table[table.condition == "control: difference"]
    assert kept.value.tolist() == pytest.approx([400 / 360 - 400 / 320])
    control = table[table.condition == "control of D5"].iloc[0]
    assert (control.metric, control.value, control.n) == ("without", 0.01, N)
    assert table[table.severity.notna()].condition.nunique() == 20  # clean and 19 corruptions
