import sys

import pytest
import torch
from makers import squares

from visionfail import devices
from visionfail.models.predict import as_float, choose_dtype, fold_norms, predict, seconds_per_image

MODULE = sys.modules[predict.__module__]  # visionfail.models.predict is the function


def test_logits_are_the_models_own_whatever_the_batches(tiny_model):
    images = squares(23, seed=0).images
    logits = predict(tiny_model, images, batch_size=7)
    with torch.no_grad():
        expected = tiny_model.eval()(images.float() / 255)
    assert logits.dtype == torch.float32 and logits.shape == (23, 10)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)


def test_float_images_mean_the_same_as_uint8(tiny_model):
    images = squares(5, seed=0).images
    assert torch.equal(predict(tiny_model, images), predict(tiny_model, images.float() / 255))


@pytest.mark.fault("a caller's model left as it was")
def test_mode_and_gradients_are_left_alone(tiny_model):
    tiny_model.train()
    before = {name: t.clone() for name, t in tiny_model.state_dict().items()}
    logits = predict(tiny_model, squares(4, seed=0).images)
    assert tiny_model.training and not logits.requires_grad
    assert all(torch.equal(before[name], t) for name, t in tiny_model.state_dict().items())


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("images", "words"),
    [
        (torch.zeros(0, 3, 32, 32, dtype=torch.uint8), "at least one"),
        (torch.zeros(3, 32, 32, dtype=torch.uint8), "N, C, H, W"),
        (torch.zeros(2, 1, 32, 32, dtype=torch.uint8), "1 channels"),
        (torch.full((2, 3, 32, 32), 1.01), r"\[0, 1\]"),
        (torch.full((2, 3, 32, 32), -0.01), r"\[0, 1\]"),
        (torch.full((2, 3, 32, 32), float("nan")), "nan"),
        (torch.zeros(2, 3, 32, 32, dtype=torch.int64), "int64"),
    ],
)
def test_bad_images_are_refused(tiny_model, images, words):
    with pytest.raises(ValueError, match=words):
        predict(tiny_model, images)


def test_somebody_elses_model_works_too():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 4))
    assert predict(model, squares(3, seed=0).images).shape == (3, 4)


def test_folding_the_norms_changes_rounding_only_and_leaves_the_model_alone(tiny_model):
    images = as_float(squares(20, seed=3).images)
    with torch.no_grad():
        tiny_model.train()(images)  # moves the running statistics away from 0 and 1
        folded = fold_norms(tiny_model.eval())
        before = tiny_model(images)
        assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
        assert (folded(images) - before).abs().max() < 1e-4 * before.abs().max()
        assert torch.equal(tiny_model(images), before)


def test_a_model_that_cannot_be_traced_is_used_as_it_is():
    class Deciding(torch.nn.Module):
        def forward(self, images):
            return images.mean((2, 3)) if images.sum() > 0 else images.amax((2, 3))

    model = Deciding()
    assert fold_norms(model) is model


def test_bf16_is_taken_only_where_it_is_fast_and_changes_nothing(tiny_model, monkeypatch):
    val = squares(20, seed=2)
    monkeypatch.setattr(devices, "fast_bf16", lambda device: False)
    assert choose_dtype(tiny_model, val)[0] == torch.float32
    monkeypatch.setattr(devices, "fast_bf16", lambda device: True)
    dtype, record = choose_dtype(tiny_model, val)
    assert set(record["checks"]) == {"clean-0", "gaussian_noise-5", "gaussian_blur-5", "contrast-5"}

    def same(model, images, **options):
        return predict(model, images)

    def shifted(model, images, *, dtype=torch.float32):
        return predict(model, images).roll(int(dtype == torch.bfloat16), dims=1)

    monkeypatch.setattr(MODULE, "predict", same)
    assert choose_dtype(tiny_model, val)[0] == torch.bfloat16
    monkeypatch.setattr(MODULE, "predict", shifted)  # every prediction changes
    dtype, record = choose_dtype(tiny_model, val)
    assert dtype == torch.float32 and all(c["changed"] == 1 for c in record["checks"].values())


def test_seconds_an_image_are_those_of_the_fastest_call_after_the_first(tiny_model, monkeypatch):
    clock = iter([0.0, 3.0, 10.0, 12.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    assert seconds_per_image(tiny_model, squares(4, seed=0).images, repeats=2) == 0.5
