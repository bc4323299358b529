"""Every figure of the repository in one style, one colour a model, marked where the data are not the official ones.

A figure function takes arrays or a results table and returns a Figure; `save_figure` stamps it and writes it.
"""

from visionfail.figures.auditing import (
    JUDGE_COLOURS,
    budget_under_shift,
    budgets_kept,
    judge_colour,
    judges_by_slice,
    latent_map,
    lead,
    risk_coverage,
    scores_by_outcome,
    shift_curves,
    verdict_card,
)
from visionfail.figures.benchmark import corruption_heatmap, ours_vs_published, severity_curves
from visionfail.figures.findings import by_class, claims, paired_differences, regime_grid, silent_failure
from visionfail.figures.pictures import augmentation_before_after, corruption_gallery, heat, image_grid
from visionfail.figures.saliency import beside_maps, doubt, drift_curves, storyboard
from visionfail.figures.style import (
    MODEL_COLOURS,
    OKABE_ITO,
    WIDTH,
    footnote,
    label_line_ends,
    legend,
    model_colour,
    model_name,
    named_handles,
    new_figure,
    readable,
    save_figure,
    use_style,
)
from visionfail.figures.training import (
    class_counts,
    confusion,
    learning_curves,
    per_class_accuracy,
    reliability,
    validation_curves,
)

__all__ = [
    "JUDGE_COLOURS",
    "MODEL_COLOURS",
    "OKABE_ITO",
    "WIDTH",
    "augmentation_before_after",
    "beside_maps",
    "budget_under_shift",
    "budgets_kept",
    "by_class",
    "claims",
    "class_counts",
    "confusion",
    "corruption_gallery",
    "corruption_heatmap",
    "doubt",
    "drift_curves",
    "footnote",
    "heat",
    "image_grid",
    "judge_colour",
    "judges_by_slice",
    "label_line_ends",
    "latent_map",
    "lead",
    "learning_curves",
    "legend",
    "model_colour",
    "model_name",
    "named_handles",
    "new_figure",
    "ours_vs_published",
    "paired_differences",
    "per_class_accuracy",
    "readable",
    "regime_grid",
    "reliability",
    "risk_coverage",
    "save_figure",
    "scores_by_outcome",
    "severity_curves",
    "shift_curves",
    "silent_failure",
    "storyboard",
    "use_style",
    "validation_curves",
    "verdict_card",
]
