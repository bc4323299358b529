"""How strong a corruption is, by something other than its severity: pixel change, dissimilarity,
its parameter.
"""

import pandas as pd
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from visionfail.corruptions import blur, colour, geometry, jpeg, noise

# The named parameter where it is a single number, turned so that it is 0 on the clean image and
# grows with severity
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
    """{"pixel_change", "dissimilarity"} between two batches of images, uint8 (N, C, H, W), means
    over images.
    """
    clean, corrupted = clean.float(), corrupted.float()
    pairs = zip(
        clean.split(50), corrupted.split(50), strict=True
    )  # a CPU's cache holds 50: three times as quick
    similar = sum(
        structural_similarity_index_measure(a, b, data_range=255.0).item() * len(a)
        for a, b in pairs
    )
    change = (clean - corrupted).abs().mean(dtype=torch.float64).item()
    return {"pixel_change": change, "dissimilarity": max(0.0, 1 - similar / len(clean))}


def strength_axes(table: pd.DataFrame, metric: str) -> dict[str, list[float]]:
    """{corruption: [dose at severity 0 to 5]} from rows of `doses`, of those whose `metric` is 0 on
    clean images and grows with every severity: for the others it is no axis that a curve could be
    drawn over.
    """
    table = table[table.metric == metric].sort_values("severity")
    found = {name: part.value for name, part in table.groupby("condition", sort=False)}
    return {
        name: dose.tolist()
        for name, dose in found.items()
        if len(dose) == 6 and (dose.diff()[1:] > 0).all()
    }
