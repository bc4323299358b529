"""The figure of claims shows every network's value, and verdicts where they differ."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from figures.checks import assert_readable, curve, error_bars, words
from visionfail.figures import claims
from visionfail.figures.style import SET_COLOURS
from visionfail.names import network_name

COLUMNS = ["claim", "words", "low", "high", "value", "lo", "hi", "verdict"]
LINEAR = "accuracy under contrast falls near-linearly"
STRUCTURE = "structural corruptions hurt more than pixel-level ones, at equal severity"
ROWS = [
    ("1", LINEAR, -np.inf, 0.1, 0.07, 0.06, 0.08, "holds"),
    ("4a", STRUCTURE, 0, np.inf, -0.2, -0.21, -0.19, "fails"),
    ("5", "JPEG is mild", -np.inf, 0.1, 0.098, 0.094, 0.103, "undecided"),
]


def judged(*, seed=0):
    """Of two networks, which differ in the last verdict."""
    first = pd.DataFrame(ROWS, columns=COLUMNS).assign(model="resnet18", seed=seed, n=10_000)
    second = first.assign(model="densenet121")
    second.loc[2, ["hi", "verdict"]] = [0.0995, "holds"]
    return pd.concat([first, second], ignore_index=True)


def figure(**changes):
    return claims.claims_plot(judged(**changes), title="Claims and verdicts")


def test_the_figure_is_readable():
    assert_readable(figure())


def test_claims_say_both_verdicts_where_networks_differ():
    shown = {text.strip() for text in words(figure())}
    verdicts = {"holds", "fails", "undecided / holds"}
    assert verdicts | {"ResNet-18, seed 0", "DenseNet-121, seed 0"} <= shown


def test_a_note_of_ones_own_takes_the_place_of_n():
    text = " ".join(words(claims.claims_plot(judged(), note="n is in the table")))
    assert "n is in the table" in text and "bootstrap" not in text


def test_several_seeds_are_named_as_such():
    named = [network_name("resnet18", seed) for seed in (0, "0 to 2", "0, 2")]
    assert named == ["ResNet-18, seed 0", "ResNet-18, seeds 0 to 2", "ResNet-18, seeds 0, 2"]


def test_claims_over_several_seeds_are_named_below():
    assert "over seeds" not in " ".join(words(figure()))
    table = judged(seed="0")
    table.loc[table.claim == "5", "seed"] = "0, 1"
    assert "images; 5: over seeds, too" in " ".join(words(claims.claims_plot(table)))


@pytest.mark.fault("bad arguments")
def test_a_claim_whose_interval_alone_would_decide_is_named():
    assert "more is asked" not in " ".join(words(figure()))
    stricter = judged().assign(verdict="undecided")  # as where leaving one corruption out decides
    text = " ".join(words(claims.claims_plot(stricter)))
    assert "images; 1, 4a, 5: more is asked than this interval" in text


def test_every_networks_value_is_drawn():
    values = [curve(marks.lines[0])[0][0] for marks in error_bars(figure().axes[0])]
    assert values == [0.07, 0.07, -0.2, -0.2, 0.098, 0.098]


@pytest.mark.parametrize(
    ("seed", "marker"),
    [(0, "o"), ("1", "s"), (4, "v"), ("0 to 4", "P"), ("1, 2", "P"), (10, "o"), ("12", "^")],
)
def test_every_seed_has_a_marker_also_from_ten_on(seed, marker):
    bars = error_bars(figure(seed=seed).axes[0])
    assert [marks.lines[0].get_marker() for marks in bars] == [marker] * 6


def by_set():
    first = judged().iloc[:3].assign(set="SVHN")
    second = first.iloc[:2].assign(set="GTSRB", value=0.3, lo=0.2, hi=0.4, verdict="holds")
    third = first.iloc[:1].assign(set="CIFAR-10", verdict="undecided")
    return pd.concat([first, second, third], ignore_index=True)


def test_sets_have_their_values_colours_and_verdicts():
    fig = claims.claims_by_set_plot(by_set(), title="Three claims on two sets")
    assert_readable(fig)
    bars = error_bars(fig.axes[0])
    values = [curve(marks.lines[0])[0][0] for marks in bars]
    assert values == [0.07, 0.3, 0.07, -0.2, 0.3, 0.098]
    colours = [to_hex(marks.lines[0].get_color()) for marks in bars]
    svhn, signs = to_hex(SET_COLOURS["SVHN"]), to_hex(SET_COLOURS["GTSRB"])
    assert colours == [svhn, signs, to_hex(SET_COLOURS["CIFAR-10"]), svhn, signs, svhn]
    verdicts = [text.split()[0] for text in words(fig) if text.endswith(")")]
    assert verdicts == ["holds", "holds", "undecided", "fails", "holds", "undecided"]
    assert "fails  -0.20 (-0.21, -0.19)" in words(fig)
    with pytest.raises(ValueError, match="ImageNet"):
        claims.claims_by_set_plot(by_set().assign(set="ImageNet"))
