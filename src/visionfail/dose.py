"""How strong a corruption is, by something other than its level: severity counts steps that somebody chose."""

import time
from pathlib import Path

import pandas as pd
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from visionfail import corruptions, devices, results
from visionfail.corruptions import blur, colour, geometry, jpeg, noise
from visionfail.imageset import ImageSet

# The named parameter where it is a single number, turned so that it is 0 on the clean image and grows with severity
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


METRICS = ("pixel_change", "dissimilarity", "parameter")
RUN = "doses-cifar10c"


def load_or_measure(folder: Path, images: ImageSet | None) -> tuple[pd.DataFrame, str]:
    """(rows, "loaded" | "measured"): the doses that lie in `folder` as a run of results/, else those of `images`,
    stored there. ValueError where there is neither.
    """
    if (Path(folder) / f"{RUN}.csv").exists():
        return results.load(RUN, folder=folder)[0], "loaded"
    if images is None:
        raise ValueError(f"no {RUN}.csv in {folder}: give the clean test images to measure doses on.")
    start, rows = time.perf_counter(), doses(images)
    config = {"origin": images.origin, "n": len(images), "metrics": METRICS}
    made = {"seconds": time.perf_counter() - start, "device": devices.describe("cpu")}
    results.save(RUN, rows, folder=folder, config=config, data_checksums={"test": images.checksum()}, **made)
    return results.load(RUN, folder=folder)[0], "measured"


def doses(images: ImageSet) -> list[dict]:
    """Rows of results/ for each corruption at severity 0 to 5, as `corruptions.corrupt` makes it of `images`:

    pixel_change, the mean absolute change in grey levels (0 to 255); dissimilarity, 1 - SSIM (Wang et al. 2004,
    doi:10.1109/TIP.2003.819861; Gaussian window of sigma 1.5); parameter, the named one where it is a single number.
    """
    found = []
    for name in corruptions.CORRUPTIONS + corruptions.EXTRAS:
        _, values = PARAMETERS.get(name, (None, (None,) * 5))
        for severity, value in enumerate((None if values[0] is None else 0.0, *values)):
            measured = measure(images.images, corruptions.corrupt(images.images, name, severity))
            for metric, dose in (measured | {"parameter": value}).items():
                if dose is not None:
                    found.append(_row(images, name, severity, metric, dose))
    return found


def measure(clean: torch.Tensor, corrupted: torch.Tensor) -> dict[str, float]:
    """{"pixel_change", "dissimilarity"} between two batches of images, uint8 (N, C, H, W), means over images."""
    clean, corrupted = clean.float(), corrupted.float()
    pairs = zip(clean.split(50), corrupted.split(50), strict=True)  # a CPU's cache holds 50: three times as quick
    similar = sum(structural_similarity_index_measure(a, b, data_range=255.0).item() * len(a) for a, b in pairs)
    change = (clean - corrupted).abs().mean(dtype=torch.float64).item()
    return {"pixel_change": change, "dissimilarity": max(0.0, 1 - similar / len(clean))}


def axes(table: pd.DataFrame, metric: str) -> dict[str, list[float]]:
    """{corruption: [dose at severity 0 to 5]} from rows of `doses`, of those whose `metric` is 0 on clean images and
    grows with every severity: for the others it is no axis that a curve could be drawn over.
    """
    table = table[table.metric == metric].sort_values("severity")
    found = {name: part.value for name, part in table.groupby("condition", sort=False)}
    return {name: dose.tolist() for name, dose in found.items() if len(dose) == 6 and (dose.diff()[1:] > 0).all()}


def _row(images: ImageSet, name: str, severity: int, metric: str, value: float) -> dict:
    origin = "regenerated" if images.origin == "official" else images.origin
    common = {"dataset": "cifar10c", "split": "test", "model": "none", "condition": name, "severity": severity}
    return common | {"origin": origin, "metric": metric, "value": float(value), "n": len(images)}
