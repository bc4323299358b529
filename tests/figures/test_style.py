"""The style: labels apart from each other, rows, offsets and error bars as they are asked for."""

import numpy as np
import pytest
from matplotlib.text import Text
from scipy.optimize import minimize

from figures.checks import overlapping_pairs
from visionfail.figures import margins, style


def test_spread_moves_labels_as_little_as_possible():
    generator = np.random.default_rng(2)
    for n in (1, 2, 5, 8):
        y = np.sort(generator.uniform(0, 40, size=n))
        ours = style.spread_apart(y, gap=10)
        assert (np.diff(ours) > 10 - 1e-9).all()
        gaps = {"type": "ineq", "fun": lambda x: np.diff(x) - 10}
        constraints = [gaps] if n > 1 else []
        reference = minimize(
            lambda x, y=y: ((x - y) ** 2).sum(), y, constraints=constraints, tol=1e-12
        )
        assert np.allclose(ours, reference.x, atol=1e-3)
    assert np.array_equal(style.spread_apart(np.array([0.0, 50.0]), gap=10), [0, 50])


def test_labels_at_the_ends_of_lines_do_not_overlap():
    fig = margins.new_figure(3)
    ax = fig.add_subplot(xlim=(0, 1), ylim=(0, 1))
    heights = (0.5, 0.9, 0.505, 0.51, 0.1)
    style.label_line_ends(ax, [style.LineEnd(1, y, f"model {y}", "#000000") for y in heights])
    fig.draw_without_rendering()
    # of the text alone, without the line that leads to it
    label_boxes = [Text.get_window_extent(text) for text in ax.texts]
    assert len(label_boxes) == 5
    assert overlapping_pairs(label_boxes) == []
    assert [text.get_text() for text in ax.texts] == [f"model {y}" for y in sorted(heights)]


def test_axes_without_lines_get_no_labels():
    ax = margins.new_figure(3).add_subplot()
    style.label_line_ends(ax, [])
    assert len(ax.texts) == 0


def test_counts_are_written_as_a_range_only_where_they_differ():
    assert style.count_range([1000, 1000]) == "1,000"
    assert style.count_range([10_000, 900.0]) == "900 to 10,000"


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 3)])
def test_rows_hold_all_panels_and_no_row_is_empty(count, rows):
    assert style.rows_needed(count, 4) == rows
    assert len(style.panels(margins.new_figure(3), count, columns=4)) == count


def test_offsets_are_centred_and_fit_in_their_room():
    assert np.allclose(style.centred_offsets(1, step=0.3, room=0.8), [0])
    assert np.allclose(style.centred_offsets(2, step=0.3, room=0.8), [-0.15, 0.15])
    assert np.allclose(style.centred_offsets(4, step=0.3, room=0.8), [-0.3, -0.1, 0.1, 0.3])


def test_error_arms_are_never_negative():
    arms = style.error_arms([0.5, 1.0], [0.4, 0.9], [0.7, 1.0 - 1e-12])
    assert np.allclose(arms, [[0.1, 0.1], [0.2, 0]])
    assert (arms >= 0).all()
    assert style.error_arms(0.5, 0.4, 0.7).shape == (2, 1)


def test_ours_have_colours_of_okabe_and_ito_and_published_models_are_grey():
    assert style.OKABE_ITO["blue"] == "#0072B2"
    assert len(set(style.OKABE_ITO.values())) == 8
    ours = {"resnet18", "densenet121", "imagenet_resnet18", "yours"}
    our_colours = {style.model_colour(model) for model in ours}
    assert len(our_colours) == 4
    assert our_colours < set(style.OKABE_ITO.values())
    for model in style.MODEL_COLOURS.keys() - ours:
        colour = style.model_colour(model)
        assert colour[1:3] == colour[3:5] == colour[5:7]


@pytest.mark.fault("bad arguments")
def test_a_model_without_a_colour_is_named():
    with pytest.raises(ValueError, match="model 'vgg' has no colour"):
        style.model_colour("vgg")


@pytest.mark.fault("bad arguments")
def test_a_long_title_has_smaller_letters_and_fits():
    short = margins.new_figure(3, "ResNet-18 loses 69.7 points at severity 5").texts[-1]
    assert short.get_fontsize() == 12
    fig = margins.new_figure(3, "ResNet-18 loses up to 69.7 points at severity 5, " * 2)
    title = fig.texts[-1]
    assert margins.SMALLEST <= title.get_fontsize() < 12
    assert title.get_window_extent().x1 <= fig.bbox.x1
    with pytest.raises(ValueError, match="shorten"):
        margins.new_figure(3, "ResNet-18 loses up to 69.7 points at severity 5, " * 4)
