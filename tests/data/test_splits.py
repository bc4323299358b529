import hashlib

import numpy as np
import pytest
from torchvision import datasets

from visionfail import paths
from visionfail.data import sets, splits, standins


def digest(indices):
    return hashlib.sha256(np.asarray(indices, "<i8").tobytes()).hexdigest()[:16]


def test_every_beginning_of_the_order_holds_the_classes_in_proportion():
    labels = np.repeat([3, 5, 8], [600, 300, 100])
    order = splits.stratified_order(labels)
    assert sorted(order) == list(range(1000))
    for length in (1, 10, 37, 250, 999):
        counts = np.bincount(labels[order[:length]], minlength=9)[[3, 5, 8]]
        assert np.abs(counts - length * np.array([0.6, 0.3, 0.1])).max() <= 1


def test_the_order_within_a_class_is_mixed():
    order = splits.stratified_order(np.zeros(10_000, int))
    # as many ascents as descents, but for 4 standard deviations: the runs of a random permutation
    # (variance (n+1)/12)
    assert abs(np.sum(np.diff(order) > 0) - 4999.5) < 4 * np.sqrt(10_001 / 12)


def test_a_tenth_of_cifar_is_held_out_by_class():
    labels = np.random.default_rng(0).permutation(np.arange(50_000) % 10)
    parts = splits.split_tenth(labels)
    assert np.array_equal(
        np.sort(np.concatenate([parts["train"], parts["val"]])), np.arange(50_000)
    )
    assert np.bincount(labels[parts["val"]]).tolist() == [500] * 10
    assert np.bincount(labels[parts["train"]]).tolist() == [4500] * 10


def test_mnist_is_cut_in_three():
    labels = np.random.default_rng(1).choice(10, 60_000, p=np.arange(16, 6, -1) / 115)
    parts = splits.split_mnist(labels)
    assert {name: len(indices) for name, indices in parts.items()} == {
        "train": 48_000,
        "auditor": 10_000,
        "val": 2000,
    }
    assert np.array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(60_000))
    assert np.bincount(labels[parts["val"]]).tolist() == [200] * 10
    share = np.bincount(labels[parts["auditor"]]) / 10_000
    assert np.abs(share - np.bincount(labels) / 60_000).max() < 0.01


def test_the_embedded_digits_keep_their_roles_beside_the_real_set():
    labels = np.random.default_rng(2).integers(0, 10, 60_000)
    first = np.concatenate([np.flatnonzero(labels == digit)[:500] for digit in range(10)])
    real = splits.split_mnist(labels)
    embedded = {name: first[splits.split_embedded_mnist(name)] for name in splits.EMBEDDED}
    assert sorted(np.concatenate(list(embedded.values()))) == sorted(first)
    assert np.array_equal(real["val"], embedded["val"])  # in the same order, too
    assert set(embedded["train"]) <= set(real["train"])
    assert set(embedded["auditor"]) <= set(real["auditor"])
    assert not set(embedded["test"]) & set(real["train"])


def test_the_indices_are_the_same_on_every_machine():
    # committed results hang on these: other sums mean other splits, and every stored validation
    # number is void
    parts = splits.split_tenth(np.arange(50_000) % 10)
    assert (digest(parts["train"]), digest(parts["val"])) == (
        "a857ff576b57f973",
        "acff17fcb5bd8f80",
    )
    mnist = splits.split_mnist(np.arange(60_000) % 10)
    assert digest(mnist["train"]) == "d08aa9262d992ae9"
    assert digest(mnist["auditor"]) == "11a608c178132af0"
    assert digest(mnist["val"]) == "fc5aa595b2a88a20"


@pytest.mark.realdata
def test_the_splits_of_the_real_sets_are_the_same_on_every_machine():
    cifar10 = splits.split_tenth(np.array(datasets.CIFAR10(paths.data_dir(), train=True).targets))
    assert (digest(cifar10["train"]), digest(cifar10["val"])) == (
        "bbb5209a3836a29d",
        "0072e59731a83d7f",
    )
    mnist = splits.split_mnist(datasets.MNIST(paths.data_dir(), train=True).targets.numpy())
    assert digest(mnist["train"]) == "acf0517cc9191d9c"
    assert digest(mnist["auditor"]) == "9903f3afb7bcdd1f"
    assert digest(mnist["val"]) == "13104ac3aa3bd815"


@pytest.mark.realdata
def test_the_embedded_digits_are_mnist_training_digits_in_the_same_split():
    real = {split: sets.load("mnist", split) for split in ("train", "auditor", "val", "test")}
    where = {}
    for split in ("train", "auditor", "val"):
        for image in real[split].images:
            where[image.numpy().tobytes()] = split
    assert len(where) == 60_000  # no digit is there twice, so that a pixel match is a proof
    for split, expected in {
        "train": "train",
        "auditor": "auditor",
        "val": "val",
        "test": "auditor",
    }.items():
        assert {
            where[image.numpy().tobytes()] for image in standins.mnist_digits(split).images
        } == {expected}
    assert real["val"].images.equal(standins.mnist_digits("val").images)
    assert real["val"].labels.equal(standins.mnist_digits("val").labels)
