"""How far attacked images have moved, and what other networks answer to them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from makers import STATS
from makers.attacked import Templates, faint_squares
from scipy import ndimage
from skimage.metrics import structural_similarity

from visionfail import attacks, devices, files, metrics, models
from visionfail.studies import uneven
from visionfail.studies.uneven import others as others_module
from visionfail.studies.uneven.others import FIELDS, Others

PICTURES = faint_squares(12, seed=1)
BORDER = 5  # pixels that half a window covers


@pytest.fixture(autouse=True)
def in_float32(monkeypatch):
    monkeypatch.setattr(devices, "fast_bf16", lambda device: False)


@pytest.fixture(scope="module")
def networks():
    learnt = faint_squares(200, seed=0)
    return {
        "one": Templates(learnt, noise=0.02, seed=1),
        "two": Templates(learnt, noise=0.02, seed=2),
        "deep": models.build("resnet18", num_classes=10, width=8, **STATS, seed=0),
    }


@pytest.fixture(scope="module")
def moved(networks):
    """Images attacked on the first two networks."""
    return {
        name: attacks.fgsm(networks[name], PICTURES.images, PICTURES.labels, epsilon=4 / 255)
        for name in ("one", "two")
    }


def pairs_of_pictures(channels):
    """Pairs of noise (6, C, 32, 32) and the same with more noise, from faint to bright."""
    generator = torch.Generator().manual_seed(channels)
    bright = torch.linspace(0.1, 0.6, 6)[:, None, None, None]
    clean = bright * torch.rand(6, channels, 32, 32, generator=generator)
    noise = 0.05 * torch.randn(clean.shape, generator=generator)
    return clean, (clean + noise).clamp(0, 1)


def plain_map(first, second):
    """SSIM at each pixel of two pictures (H, W), beyond whose edges they are mirrored."""

    def blurred(values):
        return ndimage.gaussian_filter(values, sigma=1.5, truncate=3.5, mode="mirror")

    mean_1 = blurred(first)
    mean_2 = blurred(second)
    variance_1 = blurred(first**2) - mean_1**2
    variance_2 = blurred(second**2) - mean_2**2
    covariance = blurred(first * second) - mean_1 * mean_2
    light = (2 * mean_1 * mean_2 + 0.01**2) / (mean_1**2 + mean_2**2 + 0.01**2)
    structure = (2 * covariance + 0.03**2) / (variance_1 + variance_2 + 0.03**2)
    return light * structure


def maps_of(clean, other):
    """The `plain_map` of each channel of each pair, (N, C, H, W)."""
    pairs = zip(clean.double().numpy(), other.double().numpy(), strict=True)
    return np.stack([[plain_map(*planes) for planes in zip(*pair, strict=True)] for pair in pairs])


def test_an_image_is_like_itself_and_less_like_another_the_more_it_moved():
    clean, noisy = pairs_of_pictures(3)
    for which in range(2):  # inside, with edges
        same = others_module.similarity(clean, clean)[which]
        halfway = others_module.similarity(clean, (clean + noisy) / 2)[which]
        further = others_module.similarity(clean, noisy)[which]
        assert same == pytest.approx(np.ones(6), abs=1e-6)
        assert (further < halfway).all() and (halfway < 1).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_similarity_with_edges_is_the_mean_over_all_pixels_and_channels(channels):
    clean, noisy = pairs_of_pictures(channels)
    expected = maps_of(clean, noisy).mean(axis=(1, 2, 3))
    assert others_module.similarity(clean, noisy)[1] == pytest.approx(expected, abs=2e-5)
    assert others_module.similarity(noisy, clean)[1] == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_similarity_is_that_of_scikit_image(channels):
    clean, noisy = pairs_of_pictures(channels)
    inside, _ = others_module.similarity(clean, noisy)
    for k in range(len(clean)):
        reference = structural_similarity(
            clean[k].double().numpy(),
            noisy[k].double().numpy(),
            channel_axis=0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1.0,
        )
        assert inside[k] == pytest.approx(reference, abs=2e-5)


def plain_probabilities(network, images):
    """Softmax of one forward pass on floats in [0, 1], float64 (N, K)."""
    with torch.no_grad():
        logits = network.eval()(images).double().numpy()
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_what_networks_say_of_each_others_images_is_that_of_plain_passes(networks, moved):
    arrays = others_module.ask_others(moved, PICTURES, networks)
    assert set(arrays) == set(FIELDS)
    clean = PICTURES.images.float() / 255
    some_differ = False
    for row, (victim, images) in enumerate(moved.items()):
        for k in range(len(PICTURES)):
            difference = (images[k] - clean[k]).flatten().double().numpy()
            length = np.sqrt((difference**2).sum())
            assert arrays["distance"][row, k] == pytest.approx(length, rel=1e-5)
        inside, with_edges = others_module.similarity(clean, images)
        assert np.array_equal(arrays["similarity"][row], inside)
        assert np.array_equal(arrays["with_edges"][row], with_edges)
        named = plain_probabilities(networks[victim], images).argmax(axis=1)
        on_clean = plain_probabilities(networks[victim], clean).argmax(axis=1)
        some_differ |= (named != on_clean).any()
        for column, network in enumerate(networks.values()):
            attacked = plain_probabilities(network, images)
            unmoved = plain_probabilities(network, clean)
            assert np.array_equal(arrays["answers"][row, column], attacked.argmax(axis=1))
            for k in range(len(PICTURES)):
                support = arrays["support"][row, column, k]
                assert support == pytest.approx(attacked[k, named[k]], abs=1e-5)
                clean_support = arrays["clean_support"][row, column, k]
                assert clean_support == pytest.approx(unmoved[k, on_clean[k]], abs=1e-5)
    assert some_differ  # the attack has turned answers, so the two supports are of two classes


def must_not_be_called():
    raise AssertionError("what is stored is asked again")


def ask(folder, moved, networks, *, images=PICTURES, weights=("1", "2", "3")):
    """`load_or_ask_others` of two victims and three networks, stored in a folder."""
    return others_module.load_or_ask_others(
        folder / "others.npz",
        {name: (lambda name=name: moved[name]) for name in ("one", "two")},
        images,
        networks,
        weights=dict(zip(("one", "two", "deep"), weights, strict=True)),
    )


def test_what_is_stored_is_loaded_without_images_being_made(networks, moved, tmp_path):
    asked, how = ask(tmp_path, moved, networks)
    assert how == "computed"
    assert asked.attacked == ["one", "two"] and asked.asked == ["one", "two", "deep"]
    victims = dict.fromkeys(("one", "two"), must_not_be_called)
    weights = {"one": "1", "two": "2", "deep": "3"}
    file = tmp_path / "others.npz"
    again, how = others_module.load_or_ask_others(file, victims, PICTURES, {}, weights=weights)
    assert how == "loaded"
    as_stored, how = others_module.load_or_ask_others(file, None, None, {}, weights={})
    assert how == "loaded"
    for loaded in (again, as_stored):
        assert loaded.attacked == asked.attacked and loaded.asked == asked.asked
        for field in FIELDS:
            assert np.array_equal(getattr(loaded, field), getattr(asked, field))


@pytest.mark.fault("results of another run")
def test_other_weights_are_asked_anew(networks, moved, tmp_path):
    ask(tmp_path, moved, networks)
    assert ask(tmp_path, moved, networks)[1] == "loaded"
    assert ask(tmp_path, moved, networks, weights=("1", "2", "another"))[1] == "computed"


@pytest.mark.fault("results of another run")
def test_other_images_are_asked_anew(networks, moved, tmp_path):
    ask(tmp_path, moved, networks)
    other = replace(PICTURES, labels=(PICTURES.labels + 1) % 10)
    assert ask(tmp_path, moved, networks, images=other)[1] == "computed"


@pytest.mark.fault("results of another run")
def test_fewer_victims_are_asked_anew(networks, moved, tmp_path):
    ask(tmp_path, moved, networks)
    one, how = others_module.load_or_ask_others(
        tmp_path / "others.npz",
        {"one": lambda: moved["one"]},
        PICTURES,
        networks,
        weights={"one": "1", "two": "2", "deep": "3"},
    )
    assert how == "computed" and one.similarity.shape == (1, len(PICTURES))


@pytest.mark.fault("missing files and data")
def test_what_nobody_has_stored_is_not_there_to_be_loaded(tmp_path):
    with pytest.raises(FileNotFoundError, match="full profile"):
        others_module.load_or_ask_others(tmp_path / "no.npz", None, None, {}, weights={})


def test_transfer_is_the_accuracy_of_the_one_asked():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 40)
    answers = np.where(rng.random((2, 3, 40)) < 0.6, labels, (labels + 1) % 10)
    nothing = np.zeros((2, 40))
    supports = np.zeros((2, 3, 40))
    asked = Others(
        ["a", "b"], ["a", "b", "c"], nothing, nothing, nothing, answers, supports, supports
    )
    groups = np.arange(40) // 4
    counts = uneven.group_counts(groups, 40, bootstraps=30, generator=np.random.default_rng(1))
    table = uneven.transfer_table(asked, labels, counts, things=10)
    assert len(table) == 6 and set(table.n) == {10}
    table = table.set_index(["attacked_on", "asked"])
    for i, victim in enumerate("ab"):
        for j, name in enumerate("abc"):
            right = np.array([answers[i, j, k] == labels[k] for k in range(40)], dtype=float)
            row = table.loc[(victim, name)]
            assert row.accuracy == pytest.approx(right.mean())
            drawn = [(right * weights).sum() / weights.sum() for weights in counts]
            lo, hi = np.quantile(drawn, [0.025, 0.975])
            least, most = metrics.wilson(10 * right.mean(), 10)  # never narrower than of 10 things
            assert row.lo == pytest.approx(min(lo, least), abs=1e-6)
            assert row.hi == pytest.approx(max(hi, most), abs=1e-6)


def headline(network, folder, *, weights="of one", images=PICTURES):
    return others_module.headline_images(
        network, images, folder, weights=weights, dtype=torch.float32
    )


def sweep(network, folder):
    """Attack as the sweep does, so that its folder holds images and says of which network."""
    uneven.load_or_attack(
        folder / "attacked.npz",
        network,
        PICTURES,
        "pgd",
        val=PICTURES,
        weights="of one",
        state=folder,
    )
    return folder / "attacked"


def test_without_a_run_images_are_attacked_anew_at_the_headline(networks, tmp_path):
    model = networks["one"]
    bright = replace(PICTURES, images=3 * PICTURES.images)  # 8 / 255 does not turn all of them
    images = headline(model, tmp_path, images=bright)
    plain = attacks.pgd(model, bright.images, bright.labels, epsilon=8 / 255, steps=20, seed=0)
    assert torch.equal(images, plain)
    right = [
        models.predict(model, some).argmax(1) == PICTURES.labels for some in (bright.images, images)
    ]
    assert right[0].all() and right[1].any()


def test_images_that_a_run_left_are_taken_as_they_are(networks, tmp_path, monkeypatch):
    folder = sweep(networks["one"], tmp_path)
    left = files.load_arrays(folder / "images-5.npz")[0]["images"]
    monkeypatch.setattr(attacks, "pgd", lambda *_, **__: must_not_be_called())
    assert np.array_equal(headline(None, folder).numpy(), left)


@pytest.mark.fault("results of another run")
def test_a_folder_of_another_network_is_refused(networks, tmp_path):
    folder = sweep(networks["one"], tmp_path)
    with pytest.raises(ValueError, match="another network"):
        headline(networks["two"], folder, weights="of two")


@pytest.mark.fault("results of another run")
def test_images_attacked_anew_are_never_taken_for_those_of_another_network(networks, tmp_path):
    first = headline(networks["one"], tmp_path)
    second = headline(networks["two"], tmp_path, weights="of two")
    plain = attacks.pgd(
        networks["two"], PICTURES.images, PICTURES.labels, epsilon=8 / 255, steps=20, seed=0
    )
    assert torch.equal(second, plain) and not torch.equal(first, second)


@pytest.mark.fault("results of another run")
def test_a_folder_of_other_images_is_refused(networks, tmp_path):
    folder = sweep(networks["one"], tmp_path)
    with pytest.raises(ValueError, match="remove the folder"):
        headline(networks["one"], folder, images=faint_squares(12, seed=2))
