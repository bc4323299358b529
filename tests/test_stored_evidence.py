"""What is stored was made by the committed weights on the official images: everything says so."""

import pytest
from makers import STATS
from torch import nn

from visionfail import data, evaluation, models, paths, profiles
from visionfail.models import checkpoints
from visionfail.studies import auditing, saliency, uneven
from visionfail.studies.saliency.drift import Drift

pytestmark = pytest.mark.realdata
UNUSED = nn.Identity()  # a network that must not be run


@pytest.fixture(scope="module")
def untrained():
    """{architecture: a narrow network of it}, for what asks only which it is."""
    archs = ("resnet18", "densenet121")
    return {arch: models.build(arch, num_classes=10, width=8, **STATS) for arch in archs}


def card_of(arch, seed):
    name = models.checkpoint_name("cifar10", arch, "standard", int(seed))
    return checkpoints.read_card(paths.MODELS / f"{name}.json")


@pytest.fixture(scope="module")
def test_images():
    return data.load("cifar10", "test")


@pytest.mark.parametrize("path", sorted(paths.RESULTS.glob("cifar10c-*.npz")), ids=lambda p: p.stem)
def test_every_sweep_is_loaded(path, test_images, tmp_path):
    _, arch, _, seed = path.stem.split("-")
    weights = card_of(arch, seed.removeprefix("s"))["sha256"]
    stored = evaluation.Outcomes.load(path)
    if evaluation.frost_of(stored) == "our former texture":  # may stay where nothing can be run
        kept = models.checkpoint_name("cifar10", arch, "standard", int(seed.removeprefix("s")))
        assert not (paths.MODELS / f"{kept}.safetensors").exists()
        assert stored.made["weights"] == weights
        assert stored.made["images"] == test_images.checksum()
        return
    _, how = evaluation.load_or_sweep(
        path,
        UNUSED,
        {"test": test_images},
        severities=profiles.FULL.severities,
        weights=weights,
        state=tmp_path,
    )
    assert how == "loaded"


@pytest.fixture(scope="module")
def train_images():
    return data.load("cifar10", "train").first(1000)


def clean_answers(arch, seed):
    """What the trained network names on the clean images, (N,)."""
    trained = Drift.load(paths.RESULTS / f"drift-{arch}-{seed}.npz")
    return trained.predicted[saliency.CONDITIONS.index(saliency.CLEAN)].astype(int)


@pytest.mark.parametrize("path", sorted(paths.RESULTS.glob("drift-*.npz")), ids=lambda p: p.stem)
def test_every_drift_is_loaded(path, test_images, train_images):
    _, arch, seed, *kind = path.stem.split("-")
    stored = Drift.load(path)
    weights = card_of(arch, seed.removeprefix("s"))["sha256"]
    if kind == ["randomised"]:
        weights = saliency.control_weights(weights, train_images)
    classes = clean_answers(arch, seed)
    first = test_images.first(1000)
    _, how = saliency.load_or_measure_drift(
        path, UNUSED, first, classes, weights=weights, layer=stored.made["layer"]
    )
    assert how == "loaded"


@pytest.mark.parametrize("path", sorted(paths.RESULTS.glob("overlaps-*.npz")), ids=lambda p: p.stem)
def test_every_control_of_maps_is_loaded(path, test_images, train_images, untrained):
    _, arch, seed = path.stem.split("-")
    _, how = saliency.load_or_compare_maps(
        path,
        untrained[arch],  # tells the parts of its architecture
        test_images.first(1000),
        clean_answers(arch, seed),
        train=train_images,
        weights=card_of(arch, seed.removeprefix("s"))["sha256"],
    )
    assert how == "loaded"


@pytest.mark.parametrize(
    "path", sorted(paths.RESULTS.glob("occlusion-*.npz")), ids=lambda p: p.stem
)
def test_every_occlusion_is_loaded(path, test_images):
    _, arch, seed = path.stem.split("-")
    _, how = saliency.load_or_occlude(
        path,
        UNUSED,
        test_images.first(240),
        clean_answers(arch, seed)[:240],
        weights=card_of(arch, seed.removeprefix("s"))["sha256"],
    )
    assert how == "loaded"


@pytest.mark.parametrize(
    "path", sorted(paths.MODELS.glob("cifar10-*-standard-s*.safetensors")), ids=lambda p: p.stem
)
def test_every_cifar10_checkpoint_is_loaded(path):
    _, arch, _, seed = path.stem.split("-")
    sets = models.cifar10_sets(profiles.FULL)
    seed = int(seed.removeprefix("s"))
    assert models.cifar10_classifier(profiles.FULL, sets, arch=arch, seed=seed)[2] == "loaded"


def test_every_mnist_checkpoint_is_loaded():
    sets = auditing.mnist_sets(profiles.FULL)
    for seed in auditing.classifier_seeds(profiles.FULL):
        assert auditing.mnist_classifier(profiles.FULL, sets, seed=seed)[2] == "loaded"


@pytest.mark.parametrize("name", ["svhn10k", "gtsrb", "cifar10"])
def test_all_answers_and_maps_by_class_are_loaded(name):
    run = uneven.prepare("full")
    sets = uneven.load_sets(run, name)
    networks, cards = uneven.load_networks(run, name, sets)
    for split in uneven.splits_of(name):
        answers, how = uneven.load_or_ask(
            run, name, split, sets=sets, networks=networks, cards=cards
        )
        assert how == "loaded"
        if split == "test":
            _, how = uneven.load_or_explain(run, networks, sets, answers, mapped=3000, hidden=400)
            assert how == "loaded"
