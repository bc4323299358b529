"""Whole groups of wrong answers exchange their true classes, none getting a class it answered."""

import numpy as np

from visionfail.studies.uneven.groups import group_index

SWEEPS = 10  # of exchanges between one table and the next


class ClassExchange:
    """Wrong answers in groups, and tables of them after random exchanges of true classes.

    Under quasi-independence a wrong answer depends on the truth only in not being it. So two groups
    may exchange their true classes unless one of them would be right after it. What a group
    exchanges is its one class, however many wrong answers it has, as the frames of a sign do; or,
    where it has several, the classes of its wrong images in their order, as a house does, with a
    group of as many. That gives every order of the classes that is allowed the same chance.
    """

    def __init__(
        self, predicted: np.ndarray, labels: np.ndarray, groups: np.ndarray, *, num_classes: int
    ) -> None:
        """Predicted (S, M) and labels (M,) of images that some seed gets wrong, groups (M,)."""
        self.num_classes = num_classes
        self.index = group_index(groups, len(labels))
        self.groups = int(self.index.max()) + 1
        self.labels = labels
        self.seeds = len(predicted)
        self.seed, self.image = np.nonzero(predicted != labels)  # of each wrong answer, (A,)
        self.answer = predicted[self.seed, self.image]
        self.answered = np.zeros((len(labels), num_classes), dtype=bool)  # (M, K)
        self.answered[self.image, self.answer] = True
        self.slot = _slots(self.index, labels)  # (M,): which of its group's classes an image has

    def table(self) -> np.ndarray:
        """The wrong answers as they are, by seed, true and predicted class, (S, K, K)."""
        return self._table(self.labels)

    def tables(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Tables (count, S, K, K) after exchanges, each `SWEEPS` sweeps after the one before."""
        kinds = self._kinds()
        labels = self.labels.copy()
        tables = []
        for _ in range(count):
            for classes, forbidden, images, slots in kinds:
                for _ in range(SWEEPS):
                    _sweep(classes, forbidden, generator)
                labels[images] = classes[slots]
            tables.append(self._table(labels))
        return np.stack(tables)

    def _table(self, labels: np.ndarray) -> np.ndarray:
        """The wrong answers if the images (M,) had these classes, (S, K, K)."""
        shape = (self.seeds, self.num_classes, self.num_classes)
        cells = np.ravel_multi_index((self.seed, labels[self.image], self.answer), shape)
        return np.bincount(cells, minlength=np.prod(shape)).reshape(shape).astype(np.float32)

    def _kinds(self) -> list[tuple]:
        """For each number L of classes that a group exchanges, what exchanges there.

        (classes (G, L), forbidden bool (G, L, K), images (m,), their (group, slot) in classes).
        """
        lengths = np.zeros(self.groups, dtype=np.int64)
        np.maximum.at(lengths, self.index, self.slot + 1)
        kinds = []
        for length in np.unique(lengths):
            members = np.flatnonzero(lengths == length)
            images = np.flatnonzero(lengths[self.index] == length)
            slots = (np.searchsorted(members, self.index[images]), self.slot[images])
            classes = np.zeros((len(members), length), dtype=np.int64)
            classes[slots] = self.labels[images]
            forbidden = np.zeros((len(members), length, self.num_classes), dtype=bool)
            np.logical_or.at(forbidden, slots, self.answered[images])
            kinds.append((classes, forbidden, images, slots))
        return kinds


def _slots(index: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """0 for all images of a group of one class, else 0, 1, ... in their order, (M,)."""
    order = np.argsort(index, kind="stable")
    firsts = np.searchsorted(index[order], index[order])
    slot = np.empty(len(index), dtype=np.int64)
    slot[order] = np.arange(len(index)) - firsts
    lowest = np.full(index.max() + 1, np.iinfo(np.int64).max)
    highest = np.full(index.max() + 1, -1)
    np.minimum.at(lowest, index, labels)
    np.maximum.at(highest, index, labels)
    return np.where((lowest == highest)[index], 0, slot)


def _sweep(classes: np.ndarray, forbidden: np.ndarray, generator: np.random.Generator) -> None:
    """Pair the groups at random; each pair exchanges its classes (G, L) where that is allowed."""
    order = generator.permutation(len(classes))
    half = len(order) // 2
    first = order[:half]
    second = order[half : 2 * half]
    clash = _takes_forbidden(forbidden[first], classes[second])
    clash |= _takes_forbidden(forbidden[second], classes[first])
    swap = ~clash & (generator.random(half) < 0.5)
    to_second = classes[first[swap]]
    classes[first[swap]] = classes[second[swap]]
    classes[second[swap]] = to_second


def _takes_forbidden(forbidden: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Whether a group (G, L, K) would get a class (G, L) that it answered, (G,)."""
    taken = np.take_along_axis(forbidden, classes[:, :, None], axis=2)  # (G, L, 1)
    return np.any(taken, axis=(1, 2), keepdims=True).ravel()
