import numpy as np
import pytest
import torch
from makers import STATS, squares

from visionfail.corruptions import apply
from visionfail.failure import activations, compare
from visionfail.models import networks
from visionfail.studies.auditing import held_out_families

IMAGES = squares(40, seed=0)


@pytest.fixture(scope="module")
def readings():
    model = networks.build("resnet18", num_classes=10, width=8, **STATS).eval()
    return {
        seed: held_out_families.extract_all(model, squares(60, seed=seed), dtype=torch.float32)
        for seed in (0, 1)
    }


def test_halves_share_nothing_and_keep_families_whole():
    first, second = held_out_families.FAMILIES.values()
    assert sorted(first + second) == sorted(apply.CORRUPTIONS) and not set(first) & set(second)
    assert all("blur" in name or "noise" in name for name in first)
    assert not any("blur" in name or "noise" in name for name in second)


def test_every_severity_has_a_fifth_of_the_images_and_each_image_is_what_corrupt_makes_of_it():
    levels = held_out_families.mixed_severities(40, "fog")
    assert np.bincount(levels)[1:].tolist() == [8] * 5
    assert (
        held_out_families.mixed_severities(40, "fog")
        != held_out_families.mixed_severities(40, "frost")
    ).all()
    changed = held_out_families.corrupt_mixed_severities(IMAGES.images, "fog")
    for k in (0, 11, 39):
        alone = apply.corrupt(IMAGES.images[k : k + 1], "fog", int(levels[k]), first_index=k)
        assert torch.equal(changed[k : k + 1], alone)


def test_judges_learn_from_their_half_only_and_the_auditor_alone_has_seeds(readings):
    names = held_out_families.FAMILIES["noise and blur"]
    judged = held_out_families.score_held_out(
        readings[0], readings[0]["clean"], readings[1], names=names
    )
    assert list(judged) == ["clean", *apply.CORRUPTIONS] and len(judged["fog"]) == len(
        held_out_families.AUDITOR_SEEDS
    )
    first, second = judged["fog"][:2]
    assert np.array_equal(first.scores["entropy"], second.scores["entropy"])
    assert not np.array_equal(first.scores["auditor"], second.scores["auditor"])
    blind = {
        name: readings[0][name if name in ("clean", *names) else "clean"] for name in readings[0]
    }
    again = held_out_families.score_held_out(
        blind, readings[0]["clean"], {"fog": readings[1]["fog"]}, names=names
    )
    assert np.array_equal(
        again["fog"][0].scores["auditor"], first.scores["auditor"]
    )  # the other half is never read


def test_means_are_over_conditions_with_enough_of_both_outcomes(readings):
    judged = held_out_families.score_held_out(
        readings[0], readings[0]["clean"], readings[1], names=["fog"]
    )
    counts = np.ones((3, 60), dtype=np.float32)
    failed = judged["snow"][0].failed.copy()
    failed[:] = np.arange(60) % 3 == 0
    usable = [compare.Scored(one.scores, failed, one.digit) for one in judged["snow"]]
    none = [compare.Scored(one.scores, failed & False, one.digit) for one in judged["snow"]]
    both = held_out_families.mean_auroc({"snow": usable, "frost": none}, counts)
    assert (
        both["auditor"].exact.tolist() == compare.aurocs(usable, counts)["auditor"].exact.tolist()
    )
    assert held_out_families.mean_auroc({"frost": none}, counts) is None
    parts = held_out_families.split_by_severity({"snow": usable}, ["snow"])
    assert list(parts) == [f"snow {level}" for level in range(1, 6)]
    assert sum(len(one[0].failed) for one in parts.values()) == 60


def test_readings_join_in_order(readings):
    both = activations.concatenate([readings[0]["fog"], readings[1]["snow"]])
    assert np.array_equal(both.logits[60:], readings[1]["snow"].logits)
    assert (
        np.array_equal(both.features()[:60], readings[0]["fog"].features())
        and len(both.labels) == 120
    )
