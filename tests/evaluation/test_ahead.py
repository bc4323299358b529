import threading

import numpy as np
import pytest
import torch
from makers import squares

from visionfail import models
from visionfail.evaluation import ahead, outcomes, sweep
from visionfail.evaluation.sweep import corrupted_set
from visionfail.models.predict import predict

CONDITIONS = [("clean", 0), ("contrast", 5), ("gaussian_noise", 3), ("fog", 1)]
PATIENCE = 20  # seconds until a thread that should have done something has not


def run(model, folder, **changes):
    words = {"temperature": 1.5, "identity": {"sha256": "abc"}, "_ahead": True}
    words.update(changes)
    return sweep.run_sweep(model, squares(300, seed=0), CONDITIONS, folder=folder, **words)


def test_what_is_made_ahead_is_the_same_to_the_bit(tiny_model, tmp_path):
    threads = torch.get_num_threads()
    made_ahead = run(tiny_model, tmp_path / "ahead")
    plain = run(tiny_model, tmp_path / "plain", _ahead=False)
    for name in (*outcomes.FIELDS, "labels"):
        assert np.array_equal(getattr(made_ahead, name), getattr(plain, name))
    assert made_ahead.conditions == plain.conditions and made_ahead.origins == plain.origins
    assert torch.get_num_threads() == threads


def test_the_next_condition_is_begun_before_this_one_is_answered(tiny_model, tmp_path, monkeypatch):
    begun = {condition: threading.Event() for condition in CONDITIONS}
    waited = []

    def make(clean, name, severity):
        begun[name, severity].set()
        return corrupted_set(clean, name, severity)

    def patient(*arguments, **options):
        following = CONDITIONS[len(waited) + 1 :]
        waited.append(all(begun[each].wait(PATIENCE) for each in following[:1]))
        assert not any(begun[each].is_set() for each in following[1:])  # one ahead, not more
        return predict(*arguments, **options)

    monkeypatch.setattr(models, "predict", patient)
    run(tiny_model, tmp_path, make=make)
    assert waited == [True] * len(CONDITIONS)


def test_what_is_stored_is_not_made_again(tiny_model, tmp_path):
    made = []

    def make(clean, name, severity):
        made.append((name, severity))
        return corrupted_set(clean, name, severity)

    run(tiny_model, tmp_path, make=make)
    for name, severity in CONDITIONS[::2]:
        (tmp_path / f"{name}-{severity}.npz").unlink()
    del made[:]
    run(tiny_model, tmp_path, make=make)
    assert made == CONDITIONS[::2]


def test_what_cannot_be_made_is_told_in_its_turn(tiny_model, tmp_path):
    def make(clean, name, severity):
        if name == "contrast":
            raise ValueError("no contrast here")
        return corrupted_set(clean, name, severity)

    with pytest.raises(ValueError, match="no contrast here"):
        run(tiny_model, tmp_path, make=make)
    assert (tmp_path / "clean-0.npz").exists()


def test_an_interrupted_sweep_leaves_no_thread_and_resumes(tiny_model, tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    threads = threading.active_count()
    monkeypatch.setattr(models, "predict", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tiny_model, tmp_path)
    assert threading.active_count() == threads
    monkeypatch.setattr(models, "predict", predict)
    assert run(tiny_model, tmp_path).predicted.shape == (4, 300)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_images_are_made_in_the_modes_of_the_caller(mode):
    def modes(name, severity):
        device = torch.get_default_device().type
        return torch.is_grad_enabled(), torch.is_inference_mode_enabled(), device

    with mode(), torch.device("meta"):
        expected = modes("clean", 0)
        with ahead.made_ahead(modes, lambda _: ("fog", 1), enabled=True) as make:
            assert make("clean", 0) == make("fog", 1) == expected


def test_on_a_cpu_nothing_is_made_ahead(tiny_model, tmp_path, monkeypatch):
    here = []
    monkeypatch.setattr(
        sweep,
        "corrupted_set",
        lambda clean, *_, seed: here.append(threading.get_ident()) or clean,
    )
    run(tiny_model, tmp_path, _ahead=None)
    assert here == [threading.get_ident()] * len(CONDITIONS)
