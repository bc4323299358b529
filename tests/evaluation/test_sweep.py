import dataclasses

import numpy as np
import pytest
import torch
from makers import squares

from visionfail import corruptions, models
from visionfail.corruptions import apply
from visionfail.evaluation import outcomes, sweep, tables
from visionfail.evaluation.outcomes import Outcomes
from visionfail.models.predict import predict

CONDITIONS = [("clean", 0), ("contrast", 5), ("gaussian_noise", 3)]


def run(model, folder, **changes):
    arguments = {"temperature": 1.5, "identity": {"sha256": "abc"}}
    arguments.update(changes)
    return sweep.run_sweep(model, squares(30, seed=0), CONDITIONS, folder=folder, **arguments)


def test_conditions_are_clean_and_nineteen_times_five():
    conditions = outcomes.all_conditions()
    assert len(conditions) == 96 == len(set(conditions)) and conditions[0] == ("clean", 0)


def test_outcomes_are_those_of_softmax_on_the_corrupted_images(tiny_model, tmp_path):
    clean = squares(30, seed=0)
    answers = run(tiny_model, tmp_path)
    for row, (name, severity) in enumerate(CONDITIONS):
        images = clean.images if severity == 0 else apply.corrupt(clean.images, name, severity)
        logits = predict(tiny_model, images).double()
        p = logits.softmax(1)
        assert np.array_equal(answers.predicted[row], p.argmax(1).numpy())
        np.testing.assert_allclose(answers.confidence[row], p.amax(1), rtol=2e-3)
        true = p.gather(1, clean.labels[:, None])[:, 0].log()
        np.testing.assert_allclose(answers.log_prob[row].astype(float), true, rtol=2e-3)
        scaled = (logits / 1.5).softmax(1).amax(1)
        np.testing.assert_allclose(
            1 / (1 + np.exp(-answers.log_odds_scaled[row].astype(float))), scaled, rtol=2e-3
        )
    assert np.array_equal(answers.correct, answers.predicted == clean.labels.numpy())
    assert answers.origins == ("standin",) * 3


@pytest.mark.fault("interrupted run")
def test_interrupted_sweep_resumes_where_it_stopped(tiny_model, tmp_path, monkeypatch):
    calls = []

    def counted(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return predict(*arguments, **options)

    monkeypatch.setattr(models, "predict", counted)
    with pytest.raises(KeyboardInterrupt):
        run(tiny_model, tmp_path)
    answers = run(tiny_model, tmp_path)
    assert len(calls) == 4  # two kept, one broken off, one left
    monkeypatch.setattr(models, "predict", predict)
    unbroken = run(tiny_model, tmp_path / "other")
    for field in outcomes.FIELDS:
        assert np.array_equal(getattr(answers, field), getattr(unbroken, field))


@pytest.mark.fault("interrupted run")
def test_processes_share_what_a_broken_run_left_to_do_and_list_it_before_any_begins(
    tiny_model, tmp_path, monkeypatch
):
    run(tiny_model, tmp_path)
    for name, severity in CONDITIONS[1:]:
        (tmp_path / f"{name}-{severity}.npz").unlink()
    events = []

    def share_of(items):
        events.append(list(items))
        return list(items)

    def answer(sweep_run, name, severity):
        events.append(name)
        return answered(sweep_run, name, severity)

    answered = sweep._Sweep.answer
    monkeypatch.setattr(sweep.processes, "share_of", share_of)
    monkeypatch.setattr(sweep.processes, "wait_for_all", lambda: events.append("wait"))
    monkeypatch.setattr(sweep._Sweep, "answer", answer)
    run(tiny_model, tmp_path)
    names = [name for name, _ in CONDITIONS[1:]]
    assert events[:5] == ["wait", "wait", CONDITIONS[1:], *names]


@pytest.mark.fault("results of another run")
def test_stored_sweep_is_loaded_for_the_same_weights_and_images_only(tiny_model, tmp_path):
    sets = {"val": squares(20, seed=2), "test": squares(30, seed=0)}
    others = {"val": sets["val"], "test": squares(30, seed=7)}
    path = tmp_path / "cifar10c-net.npz"

    def get(sets, weights):
        options = {"severities": (0, 5), "weights": weights, "state": tmp_path / "state"}
        return sweep.load_or_sweep(path, tiny_model, sets, **options)

    first, how = get(sets, "abc")
    assert how == "computed" and first.made["gate"]["dtype"] in ("float32", "bfloat16")
    again, how = get(sets, "abc")
    assert how == "loaded"
    for field in outcomes.FIELDS:
        assert np.array_equal(getattr(first, field), getattr(again, field))
    assert get(sets, "def")[1] == "computed" and get(others, "def")[1] == "computed"


@pytest.mark.fault("results of another run")
def test_a_sweep_with_frost_is_loaded_for_the_present_texture_only(
    tiny_model, tmp_path, monkeypatch
):
    sets = {"val": squares(20, seed=2), "test": squares(30, seed=0)}

    def get(names):
        options = {"severities": (0, 5), "weights": "abc", "state": tmp_path / "state"}
        path = tmp_path / f"cifar10c-{names[0]}.npz"
        return sweep.load_or_sweep(path, tiny_model, sets, names=names, **options)

    first, _ = get(["frost"])
    fog, _ = get(["fog"])
    assert tables.frost_of(first) == "our texture"
    assert tables.frost_of(fog) == "none"
    assert "frost_texture" not in fog.made
    monkeypatch.setattr(corruptions, "FROST_TEXTURE", "another")
    monkeypatch.setattr(tables, "FROST_TEXTURE", "another")
    assert tables.frost_of(first) == "our former texture"
    assert get(["fog"])[1] == "loaded"
    assert get(["frost"])[1] == "computed"
    photographs = dataclasses.replace(first, origins=("official", "official"))
    assert tables.frost_of(photographs) == "photographs"


@pytest.mark.fault("results of another run")
def test_folder_of_another_run_is_refused_by_field(tiny_model, tmp_path):
    run(tiny_model, tmp_path)
    with pytest.raises(ValueError, match="temperature"):
        run(tiny_model, tmp_path, temperature=2.0)
    with pytest.raises(ValueError, match="sha256"):
        run(tiny_model, tmp_path, identity={"sha256": "def"})


def test_file_round_trip_without_pickle(tiny_model, tmp_path):
    answers = run(tiny_model, tmp_path / "parts")
    answers.save(tmp_path / "outcomes.npz")
    with np.load(tmp_path / "outcomes.npz", allow_pickle=False) as stored:
        assert {*outcomes.FIELDS, "labels", "conditions"} <= set(stored)
        assert stored["predicted"].dtype == np.uint8 and stored["log_odds"].dtype == np.float16
    back = Outcomes.load(tmp_path / "outcomes.npz")
    assert back.conditions == answers.conditions and back.made == answers.made
    assert back.temperature == 1.5
    for field in (*outcomes.FIELDS, "labels"):
        assert np.array_equal(getattr(back, field), getattr(answers, field))
    assert back.at("contrast", 5) == 1
    with pytest.raises(ValueError, match="fog"):
        back.at("fog", 5)
    with pytest.raises(FileNotFoundError, match="nothing is stored at"):
        Outcomes.load(tmp_path / "nothing.npz")


def test_a_sweep_takes_other_changes_of_the_images_than_corruptions(tiny_model, tmp_path):
    clean = squares(30, seed=0)
    levels = []

    def brighten(images, name, level):
        levels.append((name, level))
        brighter = images.images + 5 * level
        return dataclasses.replace(images, images=brighter, origin="regenerated")

    conditions = [("clean", 0), ("brighter", 1), ("brighter", 3)]
    options = {"temperature": 1.0, "identity": {"make": "brighten"}, "folder": tmp_path}
    answers = sweep.run_sweep(tiny_model, clean, conditions, make=brighten, **options)
    assert levels == conditions and answers.origins == ("regenerated",) * 3
    for row, (_, level) in enumerate(conditions):
        logits = predict(tiny_model, clean.images + 5 * level)
        assert np.array_equal(answers.predicted[row], logits.argmax(1).numpy())
    sweep.run_sweep(tiny_model, clean, conditions, make=brighten, **options)
    assert levels == conditions  # resumed: nothing was made again
    with pytest.raises(ValueError, match="make"):
        run(tiny_model, tmp_path)


@pytest.mark.fault("results of another run")
def test_a_folder_holds_answers_to_the_same_images_alone(tiny_model, tmp_path):
    run(tiny_model, tmp_path)
    for others in (squares(30, seed=5), squares(20, seed=0)):
        with pytest.raises(ValueError, match=r"images|n ="):
            sweep.run_sweep(
                tiny_model,
                others,
                [("clean", 0)],
                temperature=1.0,
                identity={"weights": "abc"},
                folder=tmp_path,
            )


def test_bf16_never_touches_the_clean_condition(tiny_model, tmp_path, monkeypatch):
    used = []

    def noted(model, images, *, batch_size, dtype):
        used.append(dtype)
        return predict(model, images)

    monkeypatch.setattr(models, "predict", noted)
    run(tiny_model, tmp_path, dtype=torch.bfloat16)
    assert used == [torch.float32, torch.bfloat16, torch.bfloat16]


def test_another_seed_is_another_draw_of_the_same_corruption(tiny_model, tmp_path):
    sets = {"val": squares(20, seed=2), "test": squares(30, seed=0)}
    options = {
        "severities": (3,),
        "names": ("gaussian_noise", "contrast"),
        "weights": "abc",
        "state": tmp_path / "state",
    }
    path = tmp_path / "draw.npz"
    answers, how = sweep.load_or_sweep(path, tiny_model, sets, seed=1, **options)
    assert how == "computed"
    assert answers.conditions == (("clean", 0), ("gaussian_noise", 3), ("contrast", 3))
    images = apply.corrupt(sets["test"].images, "gaussian_noise", 3, seed=1)
    assert np.array_equal(answers.predicted[1], predict(tiny_model, images).argmax(1))
    assert sweep.load_or_sweep(path, tiny_model, sets, seed=1, **options)[1] == "loaded"
    first, how = sweep.load_or_sweep(path, tiny_model, sets, seed=0, **options)
    assert how == "computed"
    assert np.array_equal(first.log_odds[2], answers.log_odds[2])  # no chance in contrast
    assert not np.array_equal(first.log_odds[1], answers.log_odds[1])


def test_some_conditions_of_a_sweep(tiny_model, tmp_path):
    answers = run(tiny_model, tmp_path)
    chosen = answers.of([("gaussian_noise", 3), ("clean", 0)])
    assert np.array_equal(chosen.predicted, answers.predicted[[2, 0]])
    assert chosen.conditions[0] == ("gaussian_noise", 3)
    with pytest.raises(ValueError, match="fog"):
        answers.of([("fog", 1)])
