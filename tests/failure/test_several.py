"""Several auditors at once are those that are fitted one after another."""

import numpy as np
import pytest
import torch

from visionfail import failure
from visionfail.failure import several

N = 300


def task(seed, *, n=N):
    """Latents in which a failure shows, and whether each answer failed."""
    generator = np.random.default_rng(seed)
    failed = generator.random(n) < 0.3
    latents = generator.normal(size=(n, 8)).astype(np.float32) + failed[:, None]
    return latents, failed, seed


def weights_of(auditors):
    return [torch.cat([w.flatten() for w in auditor.state_dict().values()]) for auditor in auditors]


def test_on_two_processes_they_are_equal_to_the_bit_and_in_order():
    at_once = failure.fit_several([task(seed) for seed in range(3)], processes=2)
    one_by_one = [
        failure.fit(latents, failed, seed=seed) for latents, failed, seed in map(task, range(3))
    ]
    for found, expected in zip(weights_of(at_once), weights_of(one_by_one), strict=True):
        assert torch.equal(found, expected)
    assert not any(auditor.training for auditor in at_once)


def test_their_arrays_are_made_as_they_are_asked_for():
    made = []

    def tasks():
        for seed in range(3):
            made.append(seed)
            yield task(seed)
            assert len(made) == seed + 1  # the next is made once this one is fitted

    assert len(failure.fit_several(tasks(), processes=1)) == 3


def test_few_images_are_learnt_without_further_processes(monkeypatch):
    monkeypatch.setattr(several.joblib, "cpu_count", lambda: 2)
    monkeypatch.setattr(several.joblib, "Parallel", None)  # would not be called
    assert len(failure.fit_several([task(0), task(1)])) == 2
    with pytest.raises(TypeError, match="NoneType"):
        failure.fit_several([task(0, n=several.FEWEST)])


def test_no_task_gives_no_auditor():
    assert failure.fit_several([]) == []


@pytest.mark.fault("too few data")
@pytest.mark.parametrize("processes", [1, 2])
def test_what_cannot_be_learnt_is_refused_wherever_it_is_fitted(processes):
    latents, failed, seed = task(0)
    with pytest.raises(ValueError, match="0 of 300 answers failed"):
        failure.fit_several([(latents, np.zeros_like(failed), seed)] * 2, processes=processes)


def test_auditors_of_several_classifiers_are_those_of_each():
    readings = []
    for seed in range(2):
        latents, failed, _ = task(seed)
        logits = np.random.default_rng(seed).normal(size=(N, 2)).astype(np.float32)
        labels = np.where(failed, 1 - logits.argmax(1), logits.argmax(1))
        readings.append(failure.Activations({"hidden": latents}, logits, labels))
    both = failure.fit_auditors(readings, seeds=[3, 5])
    for reading, seed, fitted in zip(readings, (3, 5), both, strict=True):
        (alone,) = failure.fit_auditors([reading], seeds=[seed])
        assert list(fitted) == ["auditor", "with_logits"]
        for name, auditor in fitted.items():
            assert torch.equal(*weights_of([auditor, alone[name]]))
        assert fitted["with_logits"].mean.shape == (10,)
