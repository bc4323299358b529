"""The figures of an evaluation: ROC, precision, reliability, the surest errors of both kinds."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from sklearn import metrics as sklearn_metrics
from torch import Tensor

from visionfail import figures
from visionfail.risk.calibration import Calibration, calibration_bins
from visionfail.risk.curves import precision_band, roc_band
from visionfail.risk.decisions import Scored, picture_measures, surest_errors
from visionfail.risk.thresholds import Threshold

FIGURES = ("roc", "precision", "reliability", "misses", "false_alarms")
SHOWN = 20  # pictures of a gallery
COLUMNS = 5
LINE = "test pictures"


def draw_figures(
    folder: Path,
    scored: Scored,
    images: Tensor,
    *,
    threshold: Threshold,
    calibration: Calibration,
    prevalence: float,
) -> dict[str, str]:
    """{figure: why it was not drawn}; FIGURES are written to `folder`, those of before removed.

    Whatever keeps a figure from being drawn leaves the others, for the look at test pictures is
    counted already.
    """
    drawers: dict[str, Callable[[], Figure]] = {
        "roc": partial(roc_figure, scored, threshold),
        "precision": partial(precision_figure, scored, threshold, prevalence=prevalence),
        "reliability": partial(reliability_figure, scored, calibration),
    }
    errors = surest_errors(scored, threshold.value)
    for name, places in zip(("misses", "false_alarms"), errors, strict=True):
        drawers[name] = partial(gallery, name, scored, images, places, threshold=threshold)
    failed = {}
    for name in FIGURES:
        try:
            (folder / f"{name}.png").unlink(missing_ok=True)
            fig = drawers[name]()
            figures.save_figure(fig, name, folder=folder, origin="own", profile="full")
            pyplot.close(fig)
        except (OSError, RuntimeError, ValueError) as error:
            failed[name] = str(error)
    return failed


def shares_at(scored: Scored, threshold: float) -> tuple[float, float]:
    """(the share of safe pictures flagged, of unsafe ones found), pictures counted alike."""
    measures = picture_measures(scored, threshold)
    return 1 - measures["specificity"], measures["recall"]


def roc_figure(scored: Scored, threshold: Threshold) -> Figure:
    """The ROC with its band, the threshold on it."""
    band = roc_band(scored)
    area = sklearn_metrics.roc_auc_score(scored.labels, scored.score)
    return figures.two_curves(
        {LINE: (band.x, band.y)},
        chosen={LINE: shares_at(scored, threshold.value)},
        bands={LINE: (band.lo, band.hi)},
        xlabel="safe pictures flagged",
        ylabel="unsafe pictures found",
        title=f"Area under the curve: {area:.3f}; {promise(threshold)}",
    )


def precision_figure(scored: Scored, threshold: Threshold, *, prevalence: float) -> Figure:
    """Precision over recall where a share `prevalence` is unsafe, the threshold on it."""
    band = precision_band(scored, prevalence=prevalence)
    alarmed, found = shares_at(scored, threshold.value)
    hits = prevalence * found
    flagged = hits + (1 - prevalence) * alarmed
    precision = hits / flagged if flagged else 1.0
    words = f"{precision:.1%} of flagged pictures are" if flagged else "nothing is flagged"
    return figures.two_curves(
        {LINE: (band.x, band.y)},
        chosen={LINE: (found, precision)},
        bands={LINE: (band.lo, band.hi)},
        xlabel="unsafe pictures found",
        ylabel="of flagged pictures unsafe",
        title=f"Where {100 * prevalence:g}% are unsafe, {words}; {promise(threshold)}",
    )


def reliability_figure(scored: Scored, calibration: Calibration) -> Figure:
    """Accuracy over confidence of the predicted class, before and after calibration."""
    stated = {"raw": scored.score, "calibrated": calibration.probability(scored.score)}
    tables = {}
    eces = []
    for words, probability in stated.items():
        tables[words], (ece, _, _) = calibration_bins(scored, probability)
        eces.append(ece)
    title = f"Calibration moves the ECE from {eces[0]:.3f} to {eces[1]:.3f}"
    return figures.reliability_plot(tables, model="yours", title=title)


def gallery(
    name: str, scored: Scored, images: Tensor, places: np.ndarray, *, threshold: Threshold
) -> Figure:
    """The surest errors at `places` with their scores, one picture a group.

    ValueError where there are none.
    """
    what = name.replace("_", " ")
    if not len(places):
        raise ValueError(f"there are no {what} to show.")
    shown = places[:SHOWN]
    return figures.image_grid(
        images[shown],
        columns=COLUMNS,
        captions=[f"score {scored.score[k]:.3f}" for k in shown],
        title=f"{what.capitalize()} in {len(places)} groups, the surest first; "
        f"{promise(threshold)}",
    )


def promise(threshold: Threshold) -> str:
    """The threshold, and "no guarantee" where it promises nothing."""
    return f"threshold {threshold.value:.3g}, {threshold.mark}"
