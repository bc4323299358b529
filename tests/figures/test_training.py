"""Figures of one model on clean data are drawn from the numbers that were passed."""

import numpy as np
import pytest
from matplotlib.patches import StepPatch
from matplotlib.text import Text
from statsmodels.stats.proportion import proportion_confint

from figures.checks import (
    CLASSES,
    assert_readable,
    curve,
    overlapping_pairs,
    tick_names,
    words,
)
from visionfail.figures import training
from visionfail.metrics import classification


def history(epochs=8):
    """Ends so near the training curve that plain labels would collide; every second val_loss."""
    return [
        {
            "epoch": epoch,
            "train_loss": 1.5 / epoch,
            "val_loss": None if epoch % 2 else 1.4 / epoch,
            "train_accuracy": 1 - 0.5 / epoch,
            "val_accuracy": 0.995 - 0.5 / epoch,
            "lr": 0.1 / epoch,
            "seconds": 1800.0,
        }
        for epoch in range(1, epochs + 1)
    ]


def counts():
    sizes = {"train": [4500] * 10, "val": [500] * 10, "test": [1000] * 10}
    return training.class_counts(sizes, CLASSES, title="Images per class")


def curves():
    return training.learning_curves(history(), model="resnet18", title="Training")


def two_models():
    histories = {"resnet18": history(), "densenet121": history(5)}
    return training.validation_curves(histories, title="Validation")


def by_class():
    successes = [950, 930, 1000, 870, 960, 0, 980, 970, 965, 955]
    return training.per_class_plot(
        successes, [1000] * 10, CLASSES, model="densenet121", title="By class"
    )


def confusion():
    matrix = np.eye(10, dtype=int) * 940 + 6
    return training.confusion_plot(matrix, CLASSES, title="Confusion")


def reliability():
    generator = np.random.default_rng(1)
    tables = {}
    for name, power in [("before, ECE 4.0%", 1), ("after, ECE 1.0%", 2)]:
        confidence = generator.beta(4, 1, size=5000)
        correct = generator.random(5000) < confidence**power
        tables[name] = classification.reliability_bins(confidence, correct)
    return training.reliability_plot(tables, model="resnet18", title="Reliability")


@pytest.mark.parametrize("draw", [counts, curves, by_class, confusion, reliability])
def test_figures_are_readable(draw):
    assert_readable(draw())


def test_bars_are_as_high_as_there_are_images():
    sizes = {"train": [30, 10], "test": [5, 6]}
    fig = training.class_counts(sizes, ["cat", "dog"])
    train, test = fig.axes[0].containers
    assert [bar.get_height() for bar in train] == [30, 10]
    assert [bar.get_height() for bar in test] == [5, 6]
    assert {"train, n = 40", "test, n = 11"} <= set(words(fig))


def test_learning_curves_leave_out_what_was_not_computed():
    loss = curves().axes[0]
    assert loss.get_ylabel() == "cross-entropy (nats)"
    train, validation = loss.lines
    assert curve(train)[0].tolist() == list(range(1, 9))
    epochs, losses = curve(validation)
    assert epochs.tolist() == [2, 4, 6, 8]
    assert np.allclose(losses, [0.7, 0.35, 1.4 / 6, 0.175])


def test_names_at_validation_curves_and_labels_below_lie_apart():
    fig = two_models()
    fig.draw_without_rendering()
    texts = []
    for ax in fig.axes:
        texts += [*ax.texts, ax.xaxis.label, ax.yaxis.label]
    text_boxes = [Text.get_window_extent(text) for text in texts if text.get_text()]
    assert len(text_boxes) == 7  # without the axes: the right label is wider than they are
    assert overlapping_pairs(text_boxes) == []


def test_validation_curves_run_over_epochs_and_over_hours():
    by_epoch, by_hours = two_models().axes
    epochs, _ = curve(by_epoch.lines[1])
    hours, accuracy = curve(by_hours.lines[1])
    assert epochs.tolist() == [1, 2, 3, 4, 5]
    assert np.allclose(hours, [0.5, 1, 1.5, 2, 2.5])
    assert np.allclose(accuracy[[0, -1]], [0.495, 0.895])


def test_class_accuracies_are_sorted_with_wilson_intervals():
    successes = [90, 50, 99]
    fig = training.per_class_plot(successes, [100] * 3, ["a", "b", "c"], model="resnet18")
    ax = fig.axes[0]
    assert tick_names(ax.yaxis) == ["c", "a", "b"]  # from below: the worst on top
    line, _, (bars,) = ax.containers[0]
    assert np.allclose(line.get_xdata(), [0.99, 0.9, 0.5])
    ends = np.array([segment[:, 0] for segment in bars.get_segments()])  # (classes, 2)
    assert np.allclose(ends.T, proportion_confint([99, 90, 50], 100, method="wilson"))
    assert any("95% Wilson interval; n = 100 images per class" in text for text in words(fig))


def test_confusion_counts_stand_in_row_and_column():
    matrix = np.array([[8, 2, 0], [1, 9, 0], [3, 3, 4]])
    ax = training.confusion_plot(matrix, ["a", "b", "c"]).axes[0]
    written = np.full((3, 3), -1)
    for text in ax.texts:
        column, row = text.get_position()
        written[int(row), int(column)] = int(text.get_text())
    assert np.array_equal(written, matrix)
    assert np.allclose(np.asarray(ax.images[0].get_array()), matrix / 10)
    assert ax.images[0].get_cmap().name == "cividis"


def test_reliability_draws_bins_that_have_images():
    correct = np.array([False, True, False, True])
    table = classification.reliability_bins([0.05, 0.55, 0.58, 0.95], correct, bins=10)
    fig = training.reliability_plot({"test": table}, model="resnet18")
    top, bottom = fig.axes
    line = top.containers[0][0]
    assert np.allclose(line.get_xdata(), [0.05, 0.565, 0.95])
    assert np.allclose(line.get_ydata(), [0, 0.5, 1])
    stairs = bottom.patches[0]
    assert isinstance(stairs, StepPatch)
    per_bin, _, _ = stairs.get_data()
    assert per_bin.tolist() == [1, 0, 0, 0, 0, 2, 0, 0, 0, 1]
    assert any("n = 4 images, 10 equal-width bins" in text for text in words(fig))


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: training.class_counts({"train": [1, 2]}, CLASSES), "for 10 classes"),
        (lambda: training.learning_curves([], model="resnet18"), "no epochs"),
        (lambda: training.learning_curves([{"epoch": 1}], model="resnet18"), "no 'train_loss'"),
        (lambda: training.per_class_plot([1, 2], [0, 4], ["a", "b"], model="resnet18"), "n is 0"),
        (lambda: training.confusion_plot(np.eye(3), ["a", "b"]), r"give \(2, 2\)"),
        (lambda: training.confusion_plot(np.diag([1, 0]), ["a", "b"]), "no row empty"),
        (lambda: training.reliability_plot({}, model="resnet18"), "0 tables"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
