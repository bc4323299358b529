import dataclasses

import numpy as np
from makers import squares

from visionfail import results
from visionfail.corruptions.apply import CORRUPTIONS
from visionfail.evaluation import sweep
from visionfail.evaluation.reference_run import reference_run
from visionfail.metrics import corruption_error
from visionfail.profiles import QUICK

CARD = {"arch": "resnet18", "recipe": "quick", "sha256": "abc"}
SETS = {"val": squares(20, seed=2), "test": squares(30, seed=0)}


def test_a_network_is_swept_once_and_its_rows_are_those_of_its_answers(
    tiny_model, tmp_path, monkeypatch
):
    profile = dataclasses.replace(QUICK, severities=(0, 1, 5), bootstraps=50, out=tmp_path)
    monkeypatch.setattr(type(profile), "state", tmp_path / "state")
    answers, rows, how = reference_run(profile, SETS, tiny_model, CARD, seed=3)
    assert how == "computed" and len(answers.conditions) == 1 + 19 * 2
    name = "cifar10c-resnet18-quick-s3"
    stored, meta = results.load_run(name, folder=profile.results)
    assert rows.equals(stored) and (rows.seed == 3).all()
    assert meta["config"]["weights_sha256"] == "abc"
    assert meta["config"]["frost"] == "our texture"
    means = rows.set_index(["condition", "metric"]).value
    accuracy = corruption_error.by_corruption(answers.correct.mean(axis=1), answers.conditions)
    assert np.isclose(
        means["mean of 15", "accuracy"],
        np.mean([accuracy[c].mean() for c in CORRUPTIONS]),
        atol=1e-5,
    )
    monkeypatch.setattr(sweep, "run_sweep", None)  # would fail if anything were run again
    assert reference_run(profile, SETS, tiny_model, CARD, seed=3)[2] == "loaded"
