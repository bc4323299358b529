from dataclasses import replace

import numpy as np
import pytest
import torch
from makers import squares
from torch import nn

from visionfail import corruptions
from visionfail.corruptions import apply
from visionfail.evaluation.benchmark import (
    accuracy_table,
    benchmark,
    check_model,
    fingerprint,
    sweep_model,
)
from visionfail.models.predict import predict

TEST = squares(12, seed=0)


class Plain(nn.Module):
    """Somebody's network: it knows nothing of this package."""

    def __init__(self, outputs=10):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(256, outputs)
        )

    def forward(self, images):
        return self.layers(images)


def test_any_classifier_goes_through_the_sweep(tmp_path):
    model = Plain()
    accuracy, means = benchmark(model, TEST, folder=tmp_path, severities=(1, 5))
    assert len(accuracy) == 1 + 19 * 2 and (accuracy.model == "yours").all()
    images = apply.corrupt(TEST.images, "fog", 5)
    right = (predict(model, images).argmax(1) == TEST.labels).float().mean().item()
    row = accuracy[(accuracy.condition == "fog") & (accuracy.severity == 5)].iloc[0]
    assert row.value == pytest.approx(right) and row.lo <= row.value <= row.hi and row.n == 12
    fifteen = accuracy[accuracy.condition.isin(apply.CORRUPTIONS)].value.mean()
    assert means.set_index("condition").value["mean of 15"] == pytest.approx(fifteen)


@pytest.mark.fault("results of another run")
def test_a_second_call_predicts_nothing_again_and_another_model_is_refused(tmp_path, monkeypatch):
    model = Plain()
    first, _ = benchmark(model, TEST, folder=tmp_path, severities=(1,))
    monkeypatch.setattr(corruptions, "corrupt", None)  # would fail if a condition were made anew
    again, _ = benchmark(model, TEST, folder=tmp_path, severities=(1,))
    assert np.array_equal(first.value, again.value)
    with pytest.raises(ValueError, match="holds a sweep with weights"):
        benchmark(Plain(), TEST, folder=tmp_path, severities=(1,))


@pytest.mark.fault("bad arguments")
def test_a_model_without_a_logit_a_class_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"gives \(2, 7\) for 2 images: one logit for each"):
        benchmark(Plain(outputs=7), TEST, folder=tmp_path)


def test_fingerprints_tell_weights_apart():
    model = Plain()
    same = Plain()
    other = Plain()
    same.load_state_dict(model.state_dict())
    assert fingerprint(model) == fingerprint(same) != fingerprint(other)
    with torch.no_grad():
        next(same.parameters()).view(-1)[0] += 1e-3
    assert fingerprint(model) != fingerprint(same)


def test_a_sweep_takes_what_pictures_of_another_size_allow(tmp_path):
    images = torch.randint(256, (6, 3, 40, 40), generator=torch.Generator().manual_seed(0))
    test = replace(TEST.first(6), images=images.to(torch.uint8))
    model = nn.Sequential(nn.AdaptiveAvgPool2d(32), Plain())
    answers = sweep_model(model, test, folder=tmp_path, severities=(5,))
    assert [name for name, _ in answers.conditions[1:]] == [
        name for name in apply.CORRUPTIONS + apply.EXTRAS if name in apply.ANY_SIZE
    ]
    assert np.array_equal(answers.predicted[0], predict(model, test.images).argmax(1))
    table = accuracy_table(answers, model="demonstration")
    assert len(table) == 12 and (table.model == "demonstration").all()
    with pytest.raises(ValueError, match="the test set is a Tensor"):
        sweep_model(model, images, folder=tmp_path)
    with pytest.raises(ValueError, match="is defined for 32 x 32 images"):
        benchmark(model, test, folder=tmp_path)


@pytest.mark.fault("bad arguments")
def test_a_model_is_checked_by_two_images_before_anything_else():
    check_model(Plain(), TEST)
    with pytest.raises(ValueError, match="one logit for each of the 10 classes"):
        check_model(Plain(outputs=1000), TEST)
    with pytest.raises(ValueError, match=r"gives probabilities.*without its softmax"):
        check_model(nn.Sequential(Plain(), nn.Softmax(dim=1)), TEST)
