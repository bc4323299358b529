import numpy as np
import pytest
import torch
from makers import STATS, squares

from visionfail import paths
from visionfail.corruptions import apply
from visionfail.failure import activations, compare
from visionfail.models import networks
from visionfail.studies.auditing import held_out_families

IMAGES = squares(40, seed=0)
N = 40  # images of each set that activations are of


@pytest.fixture(scope="module")
def by_set():
    """[{condition: activations}] of one network on two sets of images."""
    model = networks.build("resnet18", num_classes=10, width=8, **STATS).eval()
    return [
        held_out_families.extract_all(model, squares(N, seed=seed), dtype=torch.float32)
        for seed in (0, 1)
    ]


def test_both_groups_of_families_share_nothing_and_keep_families_whole():
    first, second = held_out_families.FAMILIES.values()
    assert sorted(first + second) == sorted(apply.CORRUPTIONS)
    assert not set(first) & set(second)
    assert all("blur" in name or "noise" in name for name in first)
    assert not any("blur" in name or "noise" in name for name in second)


def test_every_severity_has_a_fifth_of_the_images_and_each_image_is_what_corrupt_makes_of_it():
    severities = held_out_families.mixed_severities(40, "fog")
    assert np.bincount(severities)[1:].tolist() == [8] * 5
    assert (severities != held_out_families.mixed_severities(40, "frost")).all()
    changed = held_out_families.corrupt_mixed_severities(IMAGES.images, "fog")
    for k in (0, 11, 39):
        image = IMAGES.images[k : k + 1]
        alone = apply.corrupt(image, "fog", int(severities[k]), first_index=k)
        assert torch.equal(changed[k : k + 1], alone)


def test_another_seed_gives_other_noise_to_the_same_images():
    first = held_out_families.corrupt_mixed_severities(IMAGES.images, "gaussian_noise")
    second = held_out_families.corrupt_mixed_severities(IMAGES.images, "gaussian_noise", seed=1)
    clean = IMAGES.images.double()
    noise = [(changed.double() - clean).flatten().numpy() for changed in (first, second)]
    assert abs(np.corrcoef(noise)[0, 1]) < 0.3  # pixels cut at black and white correlate a little
    model = networks.build("resnet18", num_classes=10, width=8, **STATS).eval()
    few = IMAGES.first(10)
    activations_of = [
        held_out_families.extract_all(model, few, dtype=torch.float32, seed=seed)["gaussian_noise"]
        for seed in (0, held_out_families.VAL_DRAWS)
    ]
    assert not np.allclose(activations_of[0].logits, activations_of[1].logits)


def test_detectors_learn_from_their_families_only_and_the_auditor_alone_has_seeds(by_set):
    learnt, test = by_set
    names = held_out_families.FAMILIES["noise and blur"]
    given = {"ensemble, 1 - p": {name: np.arange(N) / N for name in test}}
    scored = held_out_families.score_held_out(
        learnt, learnt["clean"], test, names=names, advice=given
    )
    assert list(scored) == ["clean", *apply.CORRUPTIONS]
    assert len(scored["fog"]) == len(held_out_families.AUDITOR_SEEDS)
    first, second = scored["fog"][:2]
    assert np.array_equal(first.scores["entropy"], second.scores["entropy"])
    assert first.scores["ensemble, 1 - p"].tolist() == (np.arange(N) / N).tolist()
    for detector in ("auditor", "auditor + logits"):
        assert not np.array_equal(first.scores[detector], second.scores[detector])

    without_the_others = {}  # the held-out families made clean
    for name in learnt:
        without_the_others[name] = learnt[name if name in names else "clean"]
    again = held_out_families.score_held_out(
        without_the_others, learnt["clean"], {"fog": test["fog"]}, names=names, advice={}
    )
    assert np.array_equal(again["fog"][0].scores["auditor"], first.scores["auditor"])


def with_failures(seeds, failed):
    """The same scores and digits with other failures."""
    return [compare.Scored(scored.scores, failed, scored.digit) for scored in seeds]


def test_means_are_over_conditions_with_enough_of_both_outcomes(by_set):
    learnt, test = by_set
    scored = held_out_families.score_held_out(
        learnt, learnt["clean"], test, names=["fog"], advice={}
    )
    counts = np.ones((3, N), dtype=np.float32)
    usable = with_failures(scored["snow"], np.arange(N) % 3 == 0)
    without_failures = with_failures(scored["snow"], np.zeros(N, dtype=bool))
    means = held_out_families.mean_auroc({"snow": usable, "frost": without_failures}, counts)
    assert means is not None
    expected = compare.aurocs(usable, counts)
    assert means["auditor"].exact.tolist() == expected["auditor"].exact.tolist()
    assert held_out_families.mean_auroc({"frost": without_failures}, counts) is None


def test_severities_apart_hold_every_image_once(by_set):
    learnt, test = by_set
    scored = held_out_families.score_held_out(
        learnt, learnt["clean"], {"snow": test["snow"]}, names=["fog"], advice={}
    )
    by_severity = held_out_families.split_by_severity(scored, ["snow"])
    assert list(by_severity) == [f"snow {severity}" for severity in range(1, 6)]
    assert sum(len(seeds[0].failed) for seeds in by_severity.values()) == N


def test_activations_join_in_order(by_set):
    fog = by_set[0]["fog"]
    snow = by_set[1]["snow"]
    both = activations.concatenate([fog, snow])
    assert len(both.labels) == 2 * N
    assert np.array_equal(both.logits[N:], snow.logits)
    assert np.array_equal(both.features()[:N], fog.features())


def test_notebook_11_draws_validation_images_apart_from_test_images():
    (notebook,) = paths.NOTEBOOKS.glob("11_*.ipynb")
    source = notebook.read_text()
    assert "draws = auditing.VAL_DRAWS" in source
    assert "auditing.extract_all(model, val, dtype=dtype, seed=draws)" in source
    assert "auditing.extract_all(model, test, dtype=dtype)" in source
    assert held_out_families.VAL_DRAWS != 0
