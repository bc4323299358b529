"""figures: marked when the data are not the official ones, written whole, the same bytes twice,
nothing on top of anything else, and drawn from the numbers that were passed.
"""

import re

import matplotlib
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from statsmodels.stats.proportion import proportion_confint

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from visionfail.figures import corruption, degradation, failure, saliency, style, training
from visionfail.figures.pictures import (
    augmentation_before_after,
    corruption_gallery,
    heat,
    image_grid,
)
from visionfail.metrics import classification
from visionfail.studies.auditing import examples

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CORRUPTIONS = ["gaussian_noise", "frost", "contrast", "jpeg_compression", "elastic_transform"]
HISTORY = [
    {
        "epoch": e,
        "train_loss": 1.5 / e,
        "val_loss": None if e % 2 else 1.4 / e,
        "train_accuracy": 1 - 0.5 / e,
        "val_accuracy": 0.995
        - 0.5 / e,  # ends so near the training curve that plain labels would collide
        "lr": 0.1 / e,
        "seconds": 300.0,
    }
    for e in range(1, 9)
]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def pictures(n, channels=3, size=32):
    return np.random.default_rng(0).integers(256, size=(n, channels, size, size), dtype=np.uint8)


def sweep(model="resnet18", origin="regenerated", bands=True, slope=0.1):
    """Rows of a results table: clean and CORRUPTIONS at severities 1 to 5."""
    rows = [("clean", 0, 0.95)]
    rows += [
        (name, s, 0.95 - slope * s * (i + 1) / 5)
        for i, name in enumerate(CORRUPTIONS)
        for s in range(1, 6)
    ]
    table = pd.DataFrame(rows, columns=["condition", "severity", "value"]).astype(
        {"severity": "Int64"}
    )
    lo, hi = (table.value - 0.01, table.value + 0.01) if bands else (np.nan, np.nan)
    return table.assign(model=model, origin=origin, lo=lo, hi=hi, n=10_000)


def published():
    names = ["WRN-28-10 standard", "PreActResNet-18 standard"]
    tables = [
        sweep(name, "official", bands=False, slope=s)
        for name, s in zip(names, [0.12, 0.08], strict=True)
    ]
    return pd.concat([sweep(), *tables])


def means():
    table = published().query("condition != 'clean'")
    mean = table.groupby(["condition", "model", "origin"], as_index=False)[
        ["value", "lo", "hi"]
    ].mean()
    return mean.assign(
        n=np.where(mean.model == "resnet18", 10_000, np.nan)
    )  # a float, as after pd.concat


def reliability():
    generator = np.random.default_rng(1)
    tables = {}
    for name, power in [("before, ECE 4.0%", 1), ("after, ECE 1.0%", 2)]:
        p = generator.beta(4, 1, size=5000)
        tables[name] = classification.reliability_bins(p, generator.random(5000) < p**power)
    return training.reliability_plot(tables, model="resnet18", title="Reliability")


EVERY = {
    "image_grid": lambda: image_grid(
        pictures(16),
        columns=8,
        captions=["automobile →\nairplane 99%"] * 16,
        title="Confident mistakes",
    ),
    "classes_grid": lambda: image_grid(
        pictures(50), columns=5, row_names=CLASSES, title="Five a class"
    ),
    "grey_grid": lambda: image_grid(pictures(5, 1, 28), columns=5),
    "augmentation": lambda: augmentation_before_after(
        pictures(20), pictures(20), title="What training sees"
    ),
    "gallery": lambda: corruption_gallery(
        pictures(30).reshape(5, 6, 3, 32, 32), CORRUPTIONS, severities=range(6), title="One image"
    ),
    "counts": lambda: training.class_counts(
        {"train": [4500] * 10, "val": [500] * 10, "test": [1000] * 10},
        CLASSES,
        title="Images a class",
    ),
    "curves": lambda: training.learning_curves(HISTORY, model="resnet18", title="Training"),
    "classes": lambda: training.per_class_plot(
        [950, 930, 1000, 870, 960, 0, 980, 970, 965, 955],
        [1000] * 10,
        CLASSES,
        model="densenet121",
        title="By class",
    ),
    "confusion": lambda: training.confusion_plot(
        np.eye(10, dtype=int) * 940 + 6, CLASSES, title="Confusion"
    ),
    "reliability": reliability,
    "heatmap": lambda: corruption.corruption_heatmap(
        sweep(), extras=CORRUPTIONS[4:], title="Accuracy"
    ),
    "severity": lambda: corruption.severity_curves(
        published(), band="95% Wilson interval", columns=4, title="Curves"
    ),
    "published": lambda: corruption.ours_vs_published(
        means(), ours=["resnet18"], band="95% bootstrap", title="Beside"
    ),
}


def regimes():
    """Of five corruptions on three axes, one of them without a dose, one wavering."""
    names = ["graceful", "near-linear", "threshold", "early-plateau", "undecided"]
    rows = [
        (c, a, r)
        for c, r in zip(CORRUPTIONS, names, strict=True)
        for a in ("severity", "pixel_change", "parameter")
    ]
    table = (
        pd.DataFrame(rows, columns=["corruption", "axis", "regime"])
        .assign(share=0.97)
        .drop(index=7)
    )
    return table.assign(point=table.regime.where(table.index != 12, "near-linear"))


def silence(model="resnet18", shift=0.0, seed=0):
    """By severity, as silent.by_severity, and by condition."""
    metrics_of = ["accuracy", "confidence", "sure_when_wrong", "ece", "ece_scaled"]
    rows = [(s, metric, 0.1 + 0.05 * s + shift) for s in range(6) for metric in metrics_of]
    table = pd.DataFrame(rows, columns=["severity", "metric", "value"])
    table = table.assign(
        lo=table.value - 0.01, hi=table.value + 0.01, n=10_000, model=model, seed=seed
    )
    dots = pd.DataFrame(
        {"model": model, "severity": range(6), "accuracy": np.linspace(0.95, 0.2, 6)}
    )
    return table, dots.assign(confidence=np.linspace(0.97, 0.7, 6))


def moves():
    """Rows as of drift_claims.what_moves, of two seeds of one network, each beside another
    architecture.
    """
    rows = [
        ("jitter", 0, 0.9),
        ("jitter", 1, 0.85),
        ("severity 5", 0, 0.6),
        ("severity 5", 1, 0.55),
    ]
    rows += [
        ("another seed", 0, 0.58),
        ("another architecture", 0, 0.5),
        ("another architecture", 1, 0.48),
    ]
    table = pd.DataFrame(rows, columns=["cause", "seed", "overlap"]).assign(model="resnet18", n=900)
    return table.eval("lo = overlap - 0.01\nhi = overlap + 0.01")


def silent_failure():
    tables, dots = zip(
        silence(), silence("densenet121", 0.02), silence("resnet18", 0.01, seed=1), strict=True
    )
    return degradation.silent_failure(
        pd.concat(tables), pd.concat(dots[:2]), above=0.9, title="Wrong and sure"
    )


def judged():
    """Rows as of claims.judge, of two networks."""
    rows = [
        ("1", "accuracy under contrast falls near-linearly", 0.8, 1.0, 0.97, np.nan, np.nan, "holds"),
        ("4a", "structural corruptions hurt more than pixel-level ones, at equal severity", 0, np.inf, -0.2, -0.21,
         -0.19, "fails"),
        ("5", "JPEG is mild", -np.inf, 0.1, 0.098, 0.094, 0.103, "undecided"),
    ]  # fmt: skip
    table = pd.DataFrame(
        rows, columns=["claim", "words", "low", "high", "value", "lo", "hi", "verdict"]
    )
    both = [table.assign(model=model, seed=0, n=10_000) for model in ("resnet18", "densenet121")]
    both[1].loc[2, "verdict"] = "holds"
    return pd.concat(both, ignore_index=True)


SLICES = ["clean", "mix", "shifted", "rotation", "within slices"]


def by_strength():
    """Rows as of protocol.by_strength: two shifts, two seeds."""
    places = [
        (name, (k + 0.5) / 6, seed)
        for name in ("rotation", "noise")
        for seed in (0, 1)
        for k in range(6)
    ]
    table = pd.DataFrame(places, columns=["shift", "strength", "seed"])
    parts = [table.assign(metric=metric, value=0.95 - slope * table.strength - 0.02 * table.seed, n=1600)
             for metric, slope in (("accuracy", 0.6), ("confidence when wrong", 0.1))]  # fmt: skip
    both = pd.concat(parts, ignore_index=True)
    return both.assign(lo=both.value - 0.02, hi=both.value + 0.02)


def ranked():
    """AUROC of every judge on every slice."""
    rows = [(s, judge, 0.8 + 0.01 * i + 0.02 * j) for i, s in enumerate(SLICES)
            for j, judge in enumerate(failure.DETECTOR_COLOURS)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["slice", "judge", "value"]).assign(n=10_000, seeds=5)
    return table.assign(lo=table.value - 0.01, hi=table.value + 0.01)


def leads():
    """Rows as of verdicts.table."""
    table = pd.DataFrame(
        {"slice": SLICES, "rival": "1 - confidence", "value": [0.0, 0.05, 0.04, -0.02, 0.01]}
    )
    table = table.assign(
        lo=table.value - 0.01, hi=table.value + 0.01, n=[10_000, 10_000, 8000, 10_000, 10_000]
    )
    table["seeds"] = [[v - 0.005, v, v + 0.004] for v in table.value]
    return table.assign(
        primary=table.slice == "shifted", verdict=["tie", "win", "win", "loss", "undecided"]
    )


def covered():
    coverage = np.linspace(0.01, 1, 100)
    line = pd.DataFrame({"coverage": coverage, "risk": 0.2 * coverage**2})
    line = line.assign(lo=line.risk - 0.01, hi=line.risk + 0.01)
    return {"auditor": line, "1 - confidence": line.assign(risk=line.risk + 0.02)}


def dealt():
    """Budgets as kept and as realised: two judges, three budgets, two seeds."""
    rows = [
        (s, j, b) for s in (0, 1) for j in ("auditor", "1 - confidence") for b in (0.01, 0.02, 0.05)
    ]
    table = pd.DataFrame(rows, columns=["seed", "judge", "budget"])
    return table.assign(kept=196 + table.seed, coverage=0.4 + 8 * table.budget, n=10_000)


def under_shift():
    rows = [
        (c, s, j)
        for c in ("clean", "rotation", "8x8 digits")
        for s in (0, 1)
        for j in ("auditor", "1 - confidence")
    ]
    table = pd.DataFrame(rows, columns=["condition", "seed", "judge"])
    return table.assign(risk=0.02 + 0.02 * table.seed, coverage=0.5, failing=0.2, n=10_000)


def spread():
    score = np.random.default_rng(0).random(500)
    return {
        judge: examples.score_histogram(score, score > 0.7)
        for judge in ("1 - confidence", "auditor")
    }


def latents():
    points = np.random.default_rng(0).normal(size=(300, 2))
    return failure.latent_map(
        points, np.linspace(0, 1, 300), points[:, 0] > 1, explained=0.4, title="Latents"
    )


def card():
    points, image = np.random.default_rng(0).normal(size=(300, 2)), np.eye(28, dtype=np.uint8) * 200
    words = "a 3, rotation, strength 0.91\nread as 0, 99.9% sure\nauditor: 99.8% that it is wrong"
    return failure.verdict_card(
        image, points, np.linspace(0, 1, 300), here=(1.0, 0.5), words=words, title="Caught"
    )


EVERY |= {
    "card": card,
    "kept": lambda: failure.budgets_met(dealt(), dealt(), delta=0.05, repeats=200, title="Kept?"),
    "broken": lambda: failure.budget_under_shift(
        under_shift(), budget=0.02, title="A budget of 2%"
    ),
    "scores": lambda: failure.scores_by_outcome(
        spread(), title="Scores of right and of wrong answers"
    ),
    "latents": latents,
    "strength": lambda: failure.shift_curves(
        by_strength(), title="Accuracy, and confidence where it is wrong"
    ),
    "judges": lambda: failure.detectors_by_slice(
        ranked(), slices=SLICES, title="Who finds the failures?"
    ),
    "lead": lambda: failure.lead(
        leads(), slices=SLICES, rival="1 - confidence", margin=0.01, title="How far ahead?"
    ),
    "coverage": lambda: failure.risk_coverage_plot(covered(), n=10_000, title="Risk and coverage"),
    "ends": lambda: corruption.severity_curves(
        published(), band="95%", columns=3, label_ends=True, title="Curves"
    ),
    "regimes": lambda: degradation.regime_grid(regimes(), n=10_000, title="Regimes by axis"),
    "silent": silent_failure,
    "moves": lambda: saliency.causes_of_drift_plot(moves(), title="What moves a map?"),
    "claims": lambda: degradation.claims_plot(judged(), title="The sentences, judged"),
}


def texts(fig):
    """Every word on the figure that shows."""
    return [
        t.get_text() for t in fig.findobj(matplotlib.text.Text) if t.get_visible() and t.get_text()
    ]


def boxes(fig):
    """What stands in strips of the figure, and its axes with all their labels, as boxes in
    pixels.
    """
    fig.draw_without_rendering()
    renderer = fig.canvas.get_renderer()
    strips = [t.get_window_extent(renderer) for t in [*fig.texts, *fig.legends]]
    return strips, [ax.get_tightbbox(renderer) for ax in fig.axes]


def overlap(a, b):
    """By more than a pixel, which rounding may bring."""
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1


@pytest.mark.parametrize("name", EVERY)
def test_nothing_leaves_the_figure_or_lies_on_anything_else_or_is_too_small(name):
    fig = EVERY[name]()
    style._stamp(fig, "standin", "quick")
    strips, axes = boxes(fig)
    assert fig.get_figwidth() == style.WIDTH
    for box in [*strips, *axes]:
        assert box.x0 > -1 and box.y0 > -1 and box.x1 < fig.bbox.x1 + 1 and box.y1 < fig.bbox.y1 + 1
    everything = [*strips, *axes]
    clashes = [
        (i, j)
        for j, b in enumerate(everything)
        for i, a in enumerate(everything[:j])
        if overlap(a, b)
    ]
    assert not clashes
    words = [t for t in fig.findobj(matplotlib.text.Text) if t.get_visible() and t.get_text()]
    assert (
        min(t.get_fontsize() for t in words) >= 8
    )  # points, at 800 pixels for 8 inches: readable in a README


@pytest.mark.parametrize(
    ("origin", "profile", "words"),
    [
        ("standin", "full", ["STAND-IN DATA"]),
        ("standin", "quick", ["STAND-IN DATA", "QUICK PROFILE"]),
        ("subset", "full", ["SUBSET"]),
        ("official", "quick", ["QUICK PROFILE"]),
        ("regenerated", "full", ["regenerated"]),
        ("regenerated", "quick", ["regenerated", "QUICK PROFILE"]),
        ("official", "full", []),
        ("identical", "full", []),
    ],
)
def test_origin_and_profile_are_stamped_once_unless_official_and_full(
    tmp_path, origin, profile, words
):
    fig = EVERY["grey_grid"]()
    for _ in range(2):
        style.save_figure(fig, "05_slug", folder=tmp_path, origin=origin, profile=profile)
    assert len(fig.texts) == (len(words) > 0)
    assert all(box.x1 < fig.bbox.x1 for box in boxes(fig)[0])  # the longest of them still fits
    for word in words:
        assert word in fig.texts[0].get_text()
    assert (tmp_path / "05_slug.png").stat().st_size > 1000


def test_the_stamp_can_be_seen_in_the_pixels(tmp_path):
    for origin, profile in [("official", "full"), ("standin", "full")]:
        fig = EVERY["grey_grid"]()
        style.save_figure(fig, origin, folder=tmp_path, origin=origin, profile=profile)
    orange = np.array([int(style.OKABE_ITO["orange"][i : i + 2], 16) / 255 for i in (1, 3, 5)])
    plain, marked = (plt.imread(tmp_path / f"{o}.png")[..., :3] for o in ("official", "standin"))
    assert plain.shape[1] == marked.shape[1] == 1600  # 8 inches at 200 dpi
    assert (np.abs(marked - orange).max(axis=-1) < 0.01).sum() > 5000
    assert (np.abs(plain - orange).max(axis=-1) < 0.01).sum() == 0


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        fig = training.per_class_plot(
            [9, 7], [10, 10], ["cat", "dog"], model="resnet18", title="By class"
        )
        style.save_figure(
            fig, "classes", folder=tmp_path / folder, origin="official", profile="full", svg=True
        )
    for kind in ("png", "svg"):
        first, second = (
            (tmp_path / folder / f"classes.{kind}").read_bytes() for folder in ("a", "b")
        )
        assert first == second
    svg = (tmp_path / "a" / "classes.svg").read_text()
    assert not re.search(r"20\d\d-\d\d-\d\d", svg) and "<dc:date>" not in svg
    assert {file.name for file in (tmp_path / "a").iterdir()} == {"classes.png", "classes.svg"}


def test_a_figure_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    fig = EVERY["grey_grid"]()
    style.save_figure(fig, "grid", folder=tmp_path, origin="official", profile="full")
    before = (tmp_path / "grid.png").read_bytes()

    def half(path, **_):
        path.write_bytes(b"half a fig")
        raise OSError("no space left on device")

    monkeypatch.setattr(fig, "savefig", half)
    with pytest.raises(OSError, match="no space"):
        style.save_figure(fig, "grid", folder=tmp_path, origin="official", profile="full")
    assert [file.name for file in tmp_path.iterdir()] == ["grid.png"]
    assert (tmp_path / "grid.png").read_bytes() == before


def test_spread_moves_labels_as_little_as_possible():
    generator = np.random.default_rng(2)
    for n in (1, 2, 5, 8):
        y = np.sort(generator.uniform(0, 40, size=n))
        ours = style.spread_apart(y, gap=10)
        assert (np.diff(ours) > 10 - 1e-9).all()
        gaps = {"type": "ineq", "fun": lambda x: np.diff(x) - 10}
        reference = minimize(
            lambda x, y=y: ((x - y) ** 2).sum(), y, constraints=[gaps] if n > 1 else [], tol=1e-12
        )
        assert np.allclose(ours, reference.x, atol=1e-3)
    assert np.array_equal(style.spread_apart(np.array([0.0, 50.0]), gap=10), [0, 50])


def test_labels_at_the_ends_of_lines_do_not_overlap():
    fig = style.new_figure(3)
    ax = fig.add_subplot(xlim=(0, 1), ylim=(0, 1))
    style.label_line_ends(
        ax, [(1, y, f"model {y}", "#000000") for y in (0.5, 0.9, 0.505, 0.51, 0.1)]
    )
    fig.draw_without_rendering()
    found = [
        matplotlib.text.Text.get_window_extent(t) for t in ax.texts
    ]  # without the leader lines
    assert len(found) == 5
    assert not [1 for i, a in enumerate(found) for b in found[:i] if overlap(a, b)]
    assert [t.get_text() for t in ax.texts] == [f"model {y}" for y in (0.1, 0.5, 0.505, 0.51, 0.9)]


def test_colours_are_those_of_okabe_and_ito_one_a_model():
    assert style.OKABE_ITO["blue"] == "#0072B2" and len(set(style.OKABE_ITO.values())) == 8
    coloured = {"resnet18", "densenet121", "yours"}
    ours = {style.model_colour(model) for model in coloured}
    assert len(ours) == 3 and ours < set(style.OKABE_ITO.values())
    for model in style.MODEL_COLOURS.keys() - coloured:
        red, green, blue = (style.model_colour(model)[i : i + 2] for i in (1, 3, 5))
        assert red == green == blue
    line = (
        corruption.severity_curves(sweep("densenet121"), band="95% Wilson interval")
        .axes[0]
        .lines[0]
    )
    assert to_hex(line.get_color()).upper() == style.MODEL_COLOURS["densenet121"]


def test_grids_show_the_very_pixels():
    images = pictures(6)
    shown = image_grid(images, columns=3).axes[0].images
    assert np.array_equal(
        [np.moveaxis(np.asarray(tile.get_array()), -1, 0) for tile in shown], images
    )
    assert {tile.get_interpolation() for tile in shown} == {"nearest"}
    grey = image_grid(pictures(2, 1, 28), columns=2).axes[0].images[1]
    assert np.array_equal(
        np.asarray(grey.get_array()), pictures(2, 1, 28)[1, 0]
    ) and grey.get_clim() == (0, 255)


def test_augmentation_puts_after_under_before():
    before, after = pictures(20), 255 - pictures(20)
    tiles = augmentation_before_after(before, after).axes[0].images
    x, _, lower, upper = tiles[10].get_extent()
    assert (x, upper < lower) == (0, True) and upper > tiles[0].get_extent()[2]
    assert np.array_equal(np.moveaxis(np.asarray(tiles[10].get_array()), -1, 0), after[0])
    assert np.array_equal(np.moveaxis(np.asarray(tiles[20].get_array()), -1, 0), before[10])


def test_class_accuracies_are_sorted_with_wilson_intervals():
    successes, n = np.array([90, 50, 99]), np.array([100, 100, 100])
    fig = training.per_class_plot(successes, n, ["a", "b", "c"], model="resnet18")
    ax = fig.axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "c",
        "a",
        "b",
    ]  # from below: the worst on top
    line, _, (bars,) = ax.containers[0]
    assert np.allclose(line.get_xdata(), [0.99, 0.9, 0.5])
    ends = np.array([segment[:, 0] for segment in bars.get_segments()])
    assert np.allclose(ends.T, proportion_confint([99, 90, 50], 100, method="wilson"))
    assert any("95% Wilson interval; n = 100 images a class" in text for text in texts(fig))


def test_confusion_counts_stand_in_row_and_column():
    matrix = np.array([[8, 2, 0], [1, 9, 0], [3, 3, 4]])
    ax = training.confusion_plot(matrix, ["a", "b", "c"]).axes[0]
    assert {
        (int(t.get_position()[1]), int(t.get_position()[0])): int(t.get_text()) for t in ax.texts
    } == {(i, j): matrix[i, j] for i in range(3) for j in range(3)}
    assert np.allclose(np.asarray(ax.images[0].get_array()), matrix / 10)
    assert ax.images[0].get_cmap().name == "cividis"


def test_learning_curves_leave_out_what_was_not_computed():
    fig = training.learning_curves(HISTORY, model="resnet18")
    loss = {ax.get_ylabel(): ax for ax in fig.axes}["cross-entropy (nats)"]
    assert loss.lines[0].get_xdata().tolist() == list(range(1, 9))
    assert loss.lines[1].get_xdata().tolist() == [2, 4, 6, 8]
    assert np.allclose(loss.lines[1].get_ydata(), [0.7, 0.35, 1.4 / 6, 0.175])


def test_reliability_draws_bins_that_have_images():
    table = classification.reliability_bins(
        [0.05, 0.55, 0.58, 0.95], np.array([False, True, False, True]), bins=10
    )
    fig = training.reliability_plot({"test": table}, model="resnet18")
    line = fig.axes[0].containers[0][0]
    assert np.allclose(line.get_xdata(), [0.05, 0.565, 0.95]) and np.allclose(
        line.get_ydata(), [0, 0.5, 1]
    )
    assert fig.axes[1].patches[0].get_data().values.tolist() == [1, 0, 0, 0, 0, 2, 0, 0, 0, 1]
    assert any("n = 4 images, 10 equal-width bins" in text for text in texts(fig))


def test_heatmap_cells_are_the_accuracies_in_percent():
    ax = corruption.corruption_heatmap(sweep(), extras=["elastic_transform"]).axes[0]
    grid = np.asarray(ax.images[0].get_array())
    assert np.allclose(grid[:, 0], 0.95) and np.allclose(grid[2], 0.95 - 0.06 * np.arange(6))
    assert ax.texts[2 * 6 + 5].get_text() == "65.0"
    assert [label.get_text() for label in ax.get_yticklabels()][1] == "frost*"
    assert ax.lines[0].get_ydata()[0] == 3.5  # the line above the first extra


def test_severity_curves_begin_at_clean():
    ax = corruption.severity_curves(published(), band="95% Wilson interval").axes[2]
    ours, wide, _ = ax.lines
    assert ours.get_xdata().tolist() == [0, 1, 2, 3, 4, 5]
    assert np.allclose(ours.get_ydata(), 0.95 - 0.06 * np.arange(6))
    assert np.allclose(wide.get_ydata(), 0.95 - 0.072 * np.arange(6))
    assert len(ax.collections) == 1  # a band for ours, none for the published
    corners = ax.collections[0].get_paths()[0].vertices
    assert corners[:, 1].min() == pytest.approx(0.64) and corners[:, 1].max() == pytest.approx(0.96)


def test_ours_beside_published_hardest_on_top():
    fig = corruption.ours_vs_published(means(), ours=["resnet18"], band="95% bootstrap over images")
    ax = fig.axes[0]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == [
        "Gaussian noise",
        "frost*",
        "contrast",
        "JPEG compression",
        "elastic transform",
    ]
    ours = ax.containers[0][0]
    contrast = np.argmin(np.abs(ours.get_ydata() - 2.24))
    assert ours.get_xdata()[contrast] == pytest.approx(0.95 - 0.06 * 3)
    assert any("bars: 95% bootstrap over images; n = 10,000 images" in text for text in texts(fig))


@pytest.mark.parametrize(
    ("origin", "marked"), [("regenerated", True), ("official", False), ("standin", True)]
)
def test_frost_is_marked_where_its_texture_is_ours(origin, marked):
    for fig in (
        corruption.corruption_heatmap(sweep(origin=origin)),
        corruption.severity_curves(sweep(origin=origin), band="95% Wilson interval"),
        corruption_gallery(
            pictures(2)[:, None], ["frost", "fog"], severities=[5], frost_is_ours=marked
        ),
    ):
        assert ("frost*" in texts(fig)) == marked
        assert any("our own texture" in text for text in texts(fig)) == marked


def save(**changes):
    keywords = {"folder": "nowhere", "origin": "official", "profile": "full"} | changes
    style.save_figure(style.new_figure(1), "slug", **keywords)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: save(origin="real"), "unknown origin 'real'"),
        (lambda: save(profile="auto"), "unknown profile 'auto'"),
        (lambda: style.model_colour("vgg"), "model 'vgg' has no colour"),
        (lambda: image_grid(pictures(2).astype(float), columns=2), "float64"),
        (lambda: image_grid(np.moveaxis(pictures(2), 1, -1), columns=2), r"\(N, C, H, W\)"),
        (lambda: image_grid(pictures(3), columns=2, captions=["a"]), "1 captions for 3"),
        (lambda: image_grid(pictures(3), columns=2, row_names=["a"]), "1 row names for 2"),
        (lambda: augmentation_before_after(pictures(3), pictures(2)), "differ"),
        (lambda: augmentation_before_after(pictures(13), pictures(13)), "do not fill"),
        (lambda: corruption_gallery(pictures(6), CORRUPTIONS, severities=range(6)), r"give \(5, 6"),
        (lambda: training.class_counts({"train": [1, 2]}, CLASSES), "for 10 classes"),
        (lambda: training.learning_curves([], model="resnet18"), "no epochs"),
        (lambda: training.learning_curves([{"epoch": 1}], model="resnet18"), "no 'train_loss'"),
        (lambda: training.per_class_plot([1, 2], [0, 4], ["a", "b"], model="resnet18"), "n is 0"),
        (lambda: training.confusion_plot(np.eye(3), ["a", "b"]), r"give \(2, 2\)"),
        (lambda: training.confusion_plot(np.diag([1, 0]), ["a", "b"]), "no row empty"),
        (lambda: training.reliability_plot({}, model="resnet18"), "0 tables"),
        (lambda: corruption.corruption_heatmap(sweep().drop(columns="lo")), r"lacks \['lo'\]"),
        (lambda: corruption.corruption_heatmap(published()), "several rows"),
        (lambda: corruption.corruption_heatmap(sweep().iloc[:-1]), r"\('elastic_transform', 5\)"),
        (
            lambda: corruption.severity_curves(pd.concat([sweep(), sweep()]), band="x"),
            "several rows",
        ),
        (
            lambda: corruption.ours_vs_published(means().iloc[1:], ours=["resnet18"], band="x"),
            "lacks contrast",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_ends_of_lines_carry_our_names_and_the_legend_the_published():
    fig = EVERY["ends"]()
    named = [t.get_text() for ax in fig.axes for t in ax.texts]
    assert named == ["ResNet-18"] * len(CORRUPTIONS)
    in_legend = [t.get_text() for t in fig.legends[0].get_texts()]
    assert in_legend == ["WRN-28-10 standard (published)", "PreActResNet-18 standard (published)"]


def test_regimes_show_what_the_curve_says_where_the_bootstraps_waver():
    words = texts(EVERY["regimes"]())
    assert "threshold  97%" in words and "near-linear?  97%" in words
    assert len([w for w in words if w.endswith("97%")]) == 14  # the one without a dose is empty
    with pytest.raises(ValueError, match="collapse"):
        degradation.regime_grid(regimes().assign(regime="collapse"), n=10)


def test_silent_failure_draws_the_numbers_it_was_given():
    left, middle, right = EVERY["silent"]().axes
    assert np.allclose(middle.lines[0].get_ydata(), 0.1 + 0.05 * np.arange(6))
    assert [line.get_linestyle() for line in right.lines] == ["-", "--"] * 3
    assert (
        middle.lines[2].get_linewidth() < middle.lines[0].get_linewidth()
    )  # another seed, in its model's colour
    assert middle.lines[2].get_color() == middle.lines[0].get_color()
    assert np.allclose(left.collections[0].get_offsets()[:, 0], np.linspace(0.95, 0.2, 6))


def test_claims_say_their_verdicts_both_where_networks_differ():
    words = [text.strip() for text in texts(EVERY["claims"]())]
    assert {
        "holds",
        "fails",
        "undecided / holds",
        "ResNet-18, seed 0",
        "DenseNet-121, seed 0",
    } <= set(words)


def test_the_lead_shows_every_seed_and_says_which_comparison_was_chosen_beforehand():
    fig = EVERY["lead"]()
    words = texts(fig)
    assert "win (primary)" in words and {"tie", "loss", "undecided"} <= set(words)
    dots = [line.get_xdata() for line in fig.axes[0].lines if line.get_marker() == "o"]
    assert [len(seeds) for seeds in dots] == [3] * len(SLICES) and np.allclose(
        dots[1], [0.045, 0.05, 0.054]
    )


def test_judges_keep_their_colours_and_a_new_one_is_named():
    ours = [failure.detector_colour(judge) for judge in failure.DETECTOR_COLOURS]
    assert len(set(ours)) == len(ours)
    with pytest.raises(ValueError, match="oracle"):
        failure.detector_colour("oracle")


def test_shift_curves_draw_a_line_a_seed():
    top = EVERY["strength"]().axes[0]
    assert len(top.lines) == 2 and len(top.collections) == 1
    assert np.allclose(top.lines[1].get_ydata(), 0.93 - 0.6 * (np.arange(6) + 0.5) / 6)


def test_maps_stand_right_of_their_pictures():
    images, maps = pictures(4), np.random.default_rng(0).random((4, 32, 32))
    fig = saliency.beside_maps(
        images, maps, columns=2, captions=list("abcd"), row_names=["up", "down"]
    )
    shown = [image.get_array() for image in fig.axes[0].images]
    assert len(shown) == 8 and np.array_equal(shown[0], np.moveaxis(images[0], 0, -1))
    assert np.array_equal(shown[3], heat(maps[1]))
    assert [text.get_text() for text in fig.axes[0].texts] == ["a", "", "b", "", "c", "", "d", ""]


def test_a_storyboard_has_a_row_a_network():
    maps = np.random.default_rng(0).random((6, 32, 32))
    told = {"resnet18": (maps, ["cat 90%"] * 6), "densenet121": (maps, ["dog 60% ✗"] * 6)}
    fig = saliency.storyboard(pictures(6), told, corruption="motion_blur")
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == [
        "motion blur",
        "ResNet-18",
        "DenseNet-121",
    ]
    assert len(fig.axes[0].images) == 18


def drift_rows():
    keys = [("jitter", 0), *((name, s) for name in ("fog", "contrast") for s in (1, 3, 5))]
    rows = [
        {
            "condition": name,
            "severity": s,
            "measure": "overlap",
            "value": 0.9 - s / 10,
            "weights": weights,
        }
        for weights in ("trained", "random")
        for name, s in keys
    ]
    return (
        pd.DataFrame(rows)
        .assign(model="resnet18", n=900)
        .eval("lo = value - 0.02\nhi = value + 0.02")
    )


def test_drift_begins_with_jitter():
    fig = saliency.drift_curves(drift_rows(), measure="overlap")
    trained, random = fig.axes[0].lines
    assert np.allclose(trained.get_ydata(), [0.9, 0.8, 0.6, 0.4]) and random.get_linestyle() == "--"
    assert [label.get_text() for label in fig.axes[0].get_xticklabels()] == [
        "jitter",
        "1",
        "3",
        "5",
    ]


def test_what_moves_a_map_is_hollow_for_further_seeds_and_grey_and_filled_between_architectures():
    fig = EVERY["moves"]()
    (ax,) = fig.axes
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert np.allclose(
        [dot.get_xdata()[0] for dot in dots], [0.9, 0.85, 0.6, 0.55, 0.58, 0.5, 0.48]
    )
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, True] * 2 + [False] * 3
    colours = [dot.get_color() for dot in dots]
    assert set(colours[:5]) == {style.model_colour("resnet18")}
    assert colours[5] == colours[6] and colours[5] not in style.MODEL_COLOURS.values()
    assert {"ResNet-18, seed 0", "ResNet-18, seed 1", "two architectures"} <= set(texts(fig))


def test_doubt_has_a_line_a_severity():
    groups = ["unanimous", "low", "middle", "high"]
    rows = [
        {"severity": s, "group": group, "metric": metric, "value": 0.9 - s / 10 - k / 50, "n": 100}
        for s in (0, 3)
        for k, group in enumerate(groups)
        for metric in ("accuracy", "confidence")
    ]
    table = pd.DataFrame(rows).eval("lo = value - 0.02\nhi = value + 0.02")
    fig = saliency.human_uncertainty(table, model="resnet18", severities=(0, 3))
    assert np.allclose(fig.axes[0].lines[1].get_ydata(), [0.6, 0.58, 0.56, 0.54])
    assert {text.get_text() for text in fig.axes[0].texts} == {"clean", "severity 3"}


def test_paired_differences_are_filled_where_they_survive_holm():
    rows = [
        (name, s, 0.01 * s, 0.01 if s > 3 else 0.5)
        for name in ("fog", "contrast")
        for s in range(1, 6)
    ]
    table = pd.DataFrame(rows, columns=["condition", "severity", "difference", "p_holm"])
    table = table.eval("lo = difference - 0.01\nhi = difference + 0.01").assign(n=10_000)
    spread = table[["condition", "severity"]].assign(spread=0.02, seeds=3)
    fig = degradation.paired_differences(
        table, networks=[("densenet121", 0), ("resnet18", 1)], spread=spread
    )
    dots = [
        container.lines[0] for container in fig.axes[0].containers if hasattr(container, "has_xerr")
    ]
    assert [dot.get_xdata()[0] for dot in dots[:5]] == pytest.approx([0.01, 0.02, 0.03, 0.04, 0.05])
    assert [to_hex(dot.get_markerfacecolor()) != "#ffffff" for dot in dots[:5]] == [
        False,
        False,
        False,
        True,
        True,
    ]
    assert [bar.get_width() for bar in fig.axes[0].patches] == pytest.approx([0.04, 0.04])
    assert fig.axes[0].get_xlabel() == "accuracy, DenseNet-121, seed 0 minus ResNet-18, seed 1"


def test_the_worst_class_of_every_condition_is_named():
    rows = [
        (c, k, 0.9 - 0.1 * (k == worst))
        for c, worst in (("clean", 3), ("fog", 0))
        for k in range(10)
    ]
    table = pd.DataFrame(rows, columns=["condition", "class", "accuracy"]).assign(n=1000)
    table["class"] = [CLASSES[k] for k in table["class"]]
    table = table.eval("accuracy_lo = accuracy - 0.02\naccuracy_hi = accuracy + 0.02")
    fig = degradation.class_heatmap(table, model="resnet18", severity=5)
    assert [text.get_text() for text in fig.axes[0].texts] == ["cat", "airplane"]
