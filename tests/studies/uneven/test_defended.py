"""The committed defended network is that of its recipe, and of the answers stored for it."""

import pytest

from visionfail import models, paths
from visionfail.evaluation import Outcomes
from visionfail.models.train_config import TrainConfig
from visionfail.studies.uneven import defended

if not (paths.MODELS / f"{defended.DEFENDED}.json").exists():
    pytest.skip("notebook 07 has not run in full yet", allow_module_level=True)


def test_the_card_is_of_the_recipe_and_of_its_start():
    _, card = models.load(defended.DEFENDED)
    assert [TrainConfig.of(fields) for fields in card["rounds"]] == [defended.ROUND]
    assert [row["epoch"] for row in card["history"]] == [1, 2, 3, 4, 5, 6]
    assert card["history"][-1]["val_pgd"] >= 0.35
    assert card["from"]["sha256"] == models.load(card["from"]["name"])[1]["sha256"]


def test_the_stored_answers_are_of_these_weights_and_have_the_cards_accuracy():
    _, card = models.load(defended.DEFENDED)
    for attack, bar in {"fgsm": 0.4, "pgd": 0.35}.items():
        stored = Outcomes.load(paths.RESULTS / f"attacked-{defended.DEFENDED}-{attack}.npz")
        assert stored.made["weights"] == card["sha256"]
        assert stored.correct[5].mean() >= bar
        if attack == "fgsm":
            assert abs(stored.correct[0].mean() - card["accuracy"]["test"]["value"]) <= 3 / 10_000
