import numpy as np
import pytest
import torch
from makers import squares

from visionfail import paths, profiles
from visionfail.claims import load_claims
from visionfail.explain.gradcam import gradcam
from visionfail.explain.maps import centre_mass, centroid_shift, map_entropy, overlap
from visionfail.metrics import intervals
from visionfail.models.predict import predict
from visionfail.studies.saliency import claims, drift, examples

TEST = squares(24, seed=0)


@pytest.fixture
def measured(tiny_model, tmp_path):
    classes = predict(tiny_model, TEST.images).argmax(1).numpy()
    found, how = drift.load_or_measure_drift(
        tmp_path / "drift.npz", tiny_model, TEST, classes, weights="w"
    )
    assert how == "computed"
    return tiny_model, classes, found, tmp_path / "drift.npz"


def test_a_step_there_and_back_changes_nothing_but_the_rim():
    pictures = np.random.default_rng(0).random((8, 5, 7))
    back = drift.shift_by_one(drift.shift_by_one(pictures), back=True)
    assert np.array_equal(back[:, 1:-1, 1:-1], pictures[:, 1:-1, 1:-1])
    moved = drift.shift_by_one(pictures)
    assert np.array_equal(moved[0, :-1], pictures[0, 1:]) and np.array_equal(
        moved[3, :, 1:], pictures[3, :, :-1]
    )


def test_jitter_is_a_pixel_and_faint_noise():
    plain = torch.full((4, 3, 32, 32), 128, dtype=torch.uint8)
    changed = drift.jitter(plain).float() - 128
    assert changed.std().item() == pytest.approx(2, rel=0.05) and abs(changed.mean().item()) < 0.1
    assert torch.equal(drift.jitter(plain), drift.jitter(plain))


def test_measures_are_those_of_the_maps(measured):
    model, classes, found, _ = measured
    row = drift.CONDITIONS.index(("fog", 3))
    images = drift.make_version(TEST.images, "fog", 3)
    clean, foggy = (gradcam(model, x, classes) for x in (TEST.images, images))
    assert np.allclose(found.overlap[row], overlap(clean, foggy), atol=1e-3, equal_nan=True)
    assert np.allclose(
        found.shift[row] * 32, centroid_shift(clean, foggy), atol=0.02, equal_nan=True
    )
    assert np.allclose(found.entropy[row], map_entropy(foggy), atol=1e-3, equal_nan=True)
    assert np.array_equal(found.predicted[row], predict(model, images).argmax(1))
    known = np.isfinite(found.overlap[0])
    assert (found.overlap[0][known] == 1).all() and (found.shift[0][known] == 0).all()


def test_what_was_measured_is_loaded_only_for_the_same_question(measured):
    model, classes, found, path = measured

    def how(classes=classes, **changes):
        return drift.load_or_measure_drift(path, model, TEST, classes, **{"weights": "w"} | changes)

    again, words = how()
    assert words == "loaded" and np.array_equal(again.overlap, found.overlap, equal_nan=True)
    assert again.made == found.made
    for other in ({"weights": "v"}, {"layer": "layer3"}, {"classes": (classes + 1) % 10}):
        assert how(**other)[1] == "computed"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="run notebook 05"):
        drift.Drift.load(tmp_path / "none.npz")


def test_the_middle_quarter_of_an_even_map_is_a_quarter():
    maps = np.stack([np.ones((32, 32)), np.zeros((32, 32)), np.pad(np.ones((16, 16)), 8)])
    assert np.allclose(centre_mass(maps), [0.25, np.nan, 1], equal_nan=True)


def constructed(n=400, told=0.0, seed=0):
    """A drift in which the overlap of wrong answers lies `told` lower, and jitter loses 0.1 of
    it.
    """
    rng, count = np.random.default_rng(seed), len(drift.CONDITIONS)
    labels = np.zeros(n, dtype=np.uint8)
    predicted = (rng.random((count, n)) < 0.3).astype(np.uint8)
    predicted[0] = rng.random(n) < 0.1
    overlap = rng.uniform(0.4, 0.6, (count, n)) - told * predicted
    overlap[0], overlap[1] = 1, 0.9
    others = {
        name: rng.random((count, n)).astype(np.float16)
        for name in ("log_odds", "shift", "entropy", "centre")
    }
    return drift.Drift(
        labels=labels, predicted=predicted, overlap=overlap.astype(np.float16), made={}, **others
    )


def judged(found, untrained):
    counts = intervals.resampling_counts(200, len(found.labels), np.random.default_rng(0))
    told = claims.auroc_by_version(claims.scores_for_turned_answers(found), counts)
    return claims.judge_saliency(
        found, untrained, told, model="resnet18", seed=0, counts=counts
    ).set_index("claim")


def test_drift_that_knows_nothing_of_errors_is_not_said_to():
    table = judged(constructed(), constructed(seed=1))
    assert table.value["12a"] == pytest.approx(0.5, abs=0.02) and table.verdict["12a"] != "holds"
    assert abs(table.value["12b"]) < 0.01 and table.verdict["12c"] != "holds"


def test_drift_that_knows_all_of_errors_is_said_to():
    table = judged(constructed(told=0.3), constructed(seed=1))
    assert table.value["12a"] == pytest.approx(1) and table.value["12b"] == pytest.approx(
        0.3, abs=0.01
    )
    assert list(table.verdict[["12a", "12b", "12c"]]) == ["holds"] * 3


def test_values_are_means_over_images_right_when_clean():
    found, untrained = constructed(), constructed(seed=1)
    table, kept = judged(found, untrained), found.predicted[0] == 0
    severe = [drift.CONDITIONS.index((name, 5)) for name in drift.CORE]
    overlap = found.overlap.astype(float)
    assert table.value["10a"] == pytest.approx(
        overlap[1][kept].mean() - overlap[severe][:, kept].mean(), abs=1e-6
    )
    assert table.value["9a"] == pytest.approx(found.centre[0][kept].astype(float).mean(), abs=1e-6)
    assert (table.n == kept.sum()).all()


def test_what_moves_a_map_names_each_cause_and_every_two_networks():
    trained = {
        ("resnet18", 0): constructed(40),
        ("densenet121", 0): constructed(40),
        ("resnet18", 1): constructed(40),
    }
    maps = {key: np.zeros((40, 10, 10)) for key in trained}
    maps["resnet18", 0][:, :2] = maps["densenet121", 0][:, :2] = maps["resnet18", 1][:, 1:3] = 1
    maps["densenet121", 0][:10] = 0  # ten empty ones
    maps["resnet18", 1][1::2] = np.roll(
        maps["resnet18", 1][1::2], 5, axis=1
    )  # every second image elsewhere
    counts = intervals.resampling_counts(200, 40, np.random.default_rng(0))
    table = claims.causes_of_drift(trained, maps, counts).set_index(
        ["model", "seed", "cause", "other"]
    )
    one, kept = trained["resnet18", 0], trained["resnet18", 0].correct[0]
    assert table.overlap["resnet18", 0, "jitter", ""] == pytest.approx(0.9, abs=1e-3)
    rows = [drift.CONDITIONS.index((name, 3)) for name in drift.CORE]
    assert table.overlap["resnet18", 0, "severity 3", ""] == pytest.approx(
        one.overlap[rows][:, kept].mean(), abs=1e-3
    )
    seeds = table.loc["resnet18", 0, "another seed", "resnet18 s1"]
    assert (
        seeds.overlap == pytest.approx(kept[::2].sum() / 3 / kept.sum())
        and seeds.lo < seeds.overlap < seeds.hi
    )
    assert (
        seeds.n == kept.sum()
    )  # two rows of ten, one of them shared, where the second map stands still
    other = table.loc["resnet18", 0, "another architecture", "densenet121 s0"]
    assert other.overlap == 1 and other.n == kept[10:].sum()
    assert list(table.overlap.xs("another image", level="cause")[["resnet18"]]) == [1, 0]
    assert len(table) == 3 * 4 + 3 + 3


def test_empty_maps_are_left_out():
    found = constructed()
    found.overlap[1, :50] = np.nan
    counts = np.ones((2, 400))
    value = claims.mean_measure(
        found, "overlap", [drift.JITTER], np.ones(400, dtype=bool), counts
    ).exact[0]
    assert value == pytest.approx(0.9, abs=1e-3)


def test_without_enough_errors_nothing_is_said_of_them():
    found = constructed()
    found.predicted[1:] = 0
    assert claims.scores_for_turned_answers(found) == {}
    table = judged(found, constructed(seed=1))
    assert list(table.index) == ["9a", "9b", "10a", "10b", "10c", "11"]


def test_panels_are_chosen_by_rule():
    found = constructed()
    row = drift.CONDITIONS.index(("fog", 5))
    places = examples.turned_images(found, "fog", count=3)
    turned = [k for k in range(400) if found.correct[0][k] and not found.correct[row][k]][:3]
    assert (
        list(places[:3]) == turned
        and found.correct[[0, row - 2, row - 1, row]][:, places[3:]].all()
    )
    assert examples.first_to_fail([found], "fog") == turned[0]
    found.predicted[row] = 0
    with pytest.raises(ValueError, match="no image that all networks lose under fog"):
        examples.first_to_fail([found], "fog")


def test_panels_show_versions_in_turn(tiny_model):
    places = np.array([5, 2])
    pictures, maps, words = examples.panel_with_maps(
        tiny_model, TEST, places, "fog", severities=(0, 5)
    )
    assert np.array_equal(pictures[0], TEST.images[5]) and np.array_equal(
        pictures[2], TEST.images[2]
    )
    assert np.array_equal(pictures[3], drift.make_version(TEST.images, "fog", 5)[2])
    said = predict(tiny_model, torch.from_numpy(pictures)).argmax(1)
    assert maps.shape == (4, 32, 32) and [word.split()[0] for word in words] == [
        TEST.classes[k] for k in said
    ]
    wrong = (said != TEST.labels[[5, 5, 2, 2]]).tolist()
    assert [word.endswith("✗") for word in words] == wrong


STORED = [
    path for path in sorted(paths.RESULTS.glob("drift-*-s*.npz")) if path.stem.count("-") == 2
]


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_committed_sentences_are_what_the_stored_measures_say(path):
    _, arch, seed = path.stem.split("-")
    found, untrained = (
        drift.Drift.load(path),
        drift.Drift.load(path.with_name(f"{path.stem}-random.npz")),
    )
    counts = intervals.resampling_counts(
        profiles.FULL.bootstraps, len(found.labels), np.random.default_rng(0)
    )
    told = claims.auroc_by_version(claims.scores_for_turned_answers(found), counts)
    again = claims.judge_saliency(
        found, untrained, told, model=arch, seed=int(seed[1:]), counts=counts
    )
    table = load_claims(paths.RESULTS / "claims.csv", where="notebook 05")
    table = table[(table.model == arch) & (table.seed == seed[1:])]
    assert list(table.claim) == list(again.claim) and list(table.verdict) == list(again.verdict)
    assert np.allclose(table[["value", "lo", "hi"]], again[["value", "lo", "hi"]], atol=1e-4)
