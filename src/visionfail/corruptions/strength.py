"""The strength of a corruption by its pixel change, its dissimilarity or its parameter."""

import pandas as pd
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from visionfail.corruptions import blur, colour, geometry, jpeg, noise

# The parameter where it is a single number, as 0 on the clean image and growing with severity
PARAMETERS = {
    "gaussian_noise": ("sigma", noise.GAUSSIAN_SIGMA),
    "shot_noise": ("1 / sqrt(photons)", tuple(photons**-0.5 for photons in noise.PHOTONS)),
    "impulse_noise": ("amount", noise.IMPULSE_AMOUNT),
    "speckle_noise": ("sigma", noise.SPECKLE_SIGMA),
    "gaussian_blur": ("sigma", blur.GAUSSIAN_SIGMA),
    "zoom_blur": ("largest zoom - 1", tuple((count - 1) / 100 for count in blur.ZOOM_COUNT)),
    "brightness": ("added value", colour.BRIGHTNESS),
    "contrast": ("1 - factor", tuple(1 - factor for factor in colour.CONTRAST)),
    "pixelate": ("1 - share of the side", tuple(1 - share for share in geometry.PIXELATE)),
    "jpeg_compression": ("100 - quality", tuple(100 - quality for quality in jpeg.QUALITY)),
}

STRENGTH_METRICS = ("pixel_change", "dissimilarity", "parameter")


def image_change(clean: torch.Tensor, corrupted: torch.Tensor) -> dict[str, float]:
    """{"pixel_change", "dissimilarity"} between two batches uint8 (N, C, H, W), means over images.

    The first is in grey levels, the second 1 minus the structural similarity.
    """
    clean = clean.float()
    corrupted = corrupted.float()
    similar = 0
    # a CPU's cache holds 50 images: three times as quick
    for before, after in zip(clean.split(50), corrupted.split(50), strict=True):
        similarity = structural_similarity_index_measure(before, after, data_range=255.0)
        assert isinstance(similarity, torch.Tensor)  # a tuple only where an image of it is asked
        similar += similarity.item() * len(before)
    change = (clean - corrupted).abs().mean(dtype=torch.float64).item()
    return {"pixel_change": change, "dissimilarity": max(0.0, 1 - similar / len(clean))}


def strength_axes(table: pd.DataFrame, metric: str) -> dict[str, list[float]]:
    """{corruption: its strength by `metric` at severity 0 to 5} where it grows with every severity.

    The table has the columns metric, condition, severity and value. For the other corruptions the
    metric is no axis that a curve could be drawn over.
    """
    table = table.loc[table["metric"] == metric].sort_values("severity")
    axes = {}
    for name, rows in table.groupby("condition", sort=False):
        strengths = rows["value"]
        grows = bool((strengths.diff()[1:] > 0).all())
        if len(strengths) == 6 and grows:
            axes[str(name)] = strengths.tolist()
    return axes
