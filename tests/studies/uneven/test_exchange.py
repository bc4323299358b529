"""Groups of wrong answers exchange classes: every allowed order alike, none other."""

import itertools
from collections import Counter

import numpy as np
import pytest

from visionfail.studies.uneven.exchange import ClassExchange


def orders_drawn(predicted, labels, groups, count=1500):
    """How often each order of the classes came, read from tables of one answer per image."""
    exchange = ClassExchange(predicted, labels, groups, num_classes=5)
    tables = exchange.tables(count, np.random.default_rng(0))
    return Counter(table.astype(int).tobytes() for table in tables), tables


def test_every_allowed_order_of_the_classes_comes_alike():
    labels = np.array([0, 1, 2, 3])
    predicted = np.array([[1, 2, 3, 4]])  # all different, so a table names its order
    drawn, _ = orders_drawn(predicted, labels, np.arange(4))
    allowed = 0
    for order in itertools.permutations(labels):
        allowed += all(given != answer for given, answer in zip(order, predicted[0], strict=True))
    assert len(drawn) == allowed == 11
    share = np.array(list(drawn.values())) / 1500
    assert share == pytest.approx(1 / allowed, abs=0.04)


def test_no_group_becomes_right():
    generator = np.random.default_rng(1)
    labels = generator.integers(5, size=60)
    predicted = (labels + generator.integers(1, 5, size=(2, 60))) % 5
    exchange = ClassExchange(predicted, labels, np.repeat(np.arange(20), 3), num_classes=5)
    tables = exchange.tables(50, generator)
    assert tables.shape == (50, 2, 5, 5)
    assert (np.trace(tables, axis1=2, axis2=3) == 0).all()
    # each answer stays as often as it was given
    answers = exchange.table().sum(axis=1)  # (S, K)
    assert (tables.sum(axis=2) == answers).all()


def test_the_frames_of_a_sign_change_their_class_together():
    labels = np.repeat([0, 1, 2], [4, 1, 2])
    predicted = np.full((1, 7), 4)
    _, tables = orders_drawn(predicted, labels, labels, count=200)
    columns = {tuple(table[0, :3, 4].astype(int)) for table in tables}
    assert columns == set(itertools.permutations([4, 1, 2]))


def test_a_house_of_two_digits_exchanges_both_with_another_such_house():
    labels = np.array([0, 1, 2, 3, 0])
    groups = np.array([0, 0, 1, 1, 2])
    predicted = np.array([[4, 4, 3, 1, 4]])
    drawn, tables = orders_drawn(predicted, labels, groups, count=200)
    # digits 0, 1 for 2, 3 would make the second house wrong no more: 1 is what it answered there
    assert len(drawn) == 1
    assert tables[0, 0, 2, 3] == 1


def test_one_group_exchanges_with_nobody():
    exchange = ClassExchange(np.array([[1, 1]]), np.array([0, 0]), np.array([5, 5]), num_classes=3)
    assert (exchange.tables(3, np.random.default_rng(0)) == exchange.table()).all()
