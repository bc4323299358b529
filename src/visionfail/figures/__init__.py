"""Every figure of the repository in one style, with one colour per model and detector.

A figure function takes arrays or a results table and returns a Figure; `save_figure` writes it,
stamped where the data are not the official ones.
"""

from visionfail.figures.attack_ladder import attack_ladder
from visionfail.figures.attacks import (
    attack_curves,
    attack_pictures,
    class_attack_curves,
    link_scatter,
    smallest_epsilon_bars,
)
from visionfail.figures.budgets import (
    budget_by_condition,
    budget_under_shift,
    budgets_met,
    risk_coverage_plot,
    starts_plot,
)
from visionfail.figures.claims import claims_by_set_plot, claims_plot
from visionfail.figures.corruption import corruption_heatmap, ours_vs_published, severity_curves
from visionfail.figures.degradation import (
    class_heatmap,
    paired_differences,
    regime_grid,
    silent_failure,
)
from visionfail.figures.detectors import detectors_by_slice, lead, leads, transfer_plot
from visionfail.figures.failure import (
    latent_map,
    scores_by_outcome,
    shift_curves,
    verdict_card,
)
from visionfail.figures.pictures import augmentation_before_after, corruption_gallery, image_grid
from visionfail.figures.risk import (
    cost_curves,
    decision_sheet_plot,
    power_curves,
    two_curves,
)
from visionfail.figures.saliency import (
    beside_maps,
    causes_of_drift_plot,
    drift_curves,
    human_uncertainty,
    storyboard,
)
from visionfail.figures.saving import png_bytes, save_figure, stamp_text
from visionfail.figures.training import (
    class_counts,
    confusion_plot,
    learning_curves,
    per_class_plot,
    reliability_plot,
    validation_curves,
)
from visionfail.figures.transfer import (
    changes_plot,
    epochs_plot,
    ladder_plot,
    rates_plot,
    recall_plot,
    spectrum_curves,
    swap_plot,
)
from visionfail.figures.uneven import (
    class_by_seed_plot,
    class_correlations,
    class_error_bars,
    confusion_graph,
)

__all__ = [
    "attack_curves",
    "attack_ladder",
    "attack_pictures",
    "augmentation_before_after",
    "beside_maps",
    "budget_by_condition",
    "budget_under_shift",
    "budgets_met",
    "causes_of_drift_plot",
    "changes_plot",
    "claims_by_set_plot",
    "claims_plot",
    "class_attack_curves",
    "class_by_seed_plot",
    "class_correlations",
    "class_counts",
    "class_error_bars",
    "class_heatmap",
    "confusion_graph",
    "confusion_plot",
    "corruption_gallery",
    "corruption_heatmap",
    "cost_curves",
    "decision_sheet_plot",
    "detectors_by_slice",
    "drift_curves",
    "epochs_plot",
    "human_uncertainty",
    "image_grid",
    "ladder_plot",
    "latent_map",
    "lead",
    "leads",
    "learning_curves",
    "link_scatter",
    "ours_vs_published",
    "paired_differences",
    "per_class_plot",
    "png_bytes",
    "power_curves",
    "rates_plot",
    "recall_plot",
    "regime_grid",
    "reliability_plot",
    "risk_coverage_plot",
    "save_figure",
    "scores_by_outcome",
    "severity_curves",
    "shift_curves",
    "silent_failure",
    "smallest_epsilon_bars",
    "spectrum_curves",
    "stamp_text",
    "starts_plot",
    "storyboard",
    "swap_plot",
    "transfer_plot",
    "two_curves",
    "validation_curves",
    "verdict_card",
]
