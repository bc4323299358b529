"""The strength of a corruption measured on images: severity counts steps that somebody chose."""

import time
from pathlib import Path

import pandas as pd

from visionfail import corruptions, devices, results
from visionfail.data import ImageSet

RUN = "doses-cifar10c"  # its name in results/, fixed when it was stored


def load_or_measure_strengths(folder: Path, images: ImageSet | None) -> tuple[pd.DataFrame, str]:
    """(rows, "loaded" | "measured"): the strengths stored in `folder`, else those of `images`.

    Measured ones are stored there as a run of results/. ValueError where there is neither.
    """
    config: dict[str, object] = {
        "metrics": corruptions.STRENGTH_METRICS,
        "frost_texture": corruptions.FROST_TEXTURE,
    }
    if images is not None:
        config["origin"] = images.origin
        config["n"] = len(images)
    if results.is_stored_whole(RUN, folder=folder):
        table, meta = results.load_run(RUN, folder=folder)
        if results.matches(meta["config"], config):
            return table, "loaded"
    if images is None:
        raise ValueError(
            f"no {RUN}.csv of these strengths in {folder}: give the clean test images to measure "
            "them on."
        )
    start = time.perf_counter()
    rows = strength_rows(images)
    results.save_run(
        RUN,
        rows,
        folder=folder,
        config=config,
        seconds=time.perf_counter() - start,
        data_checksums={"test": images.checksum()},
        device=devices.describe_device("cpu"),
    )
    return results.load_run(RUN, folder=folder)[0], "measured"


def strength_rows(images: ImageSet) -> list[dict]:
    """A row of results/ per corruption, severity 0 to 5 and metric, on `images` as regenerated.

    pixel_change is the mean absolute change in grey levels (0 to 255); dissimilarity is 1 - SSIM
    (Wang et al. 2004, doi:10.1109/TIP.2003.819861; Gaussian window of sigma 1.5); parameter is the
    named one where it is a single number.
    """
    rows = []
    for name in corruptions.CORRUPTIONS + corruptions.EXTRAS:
        for severity in range(6):
            corrupted = corruptions.corrupt(images.images, name, severity)
            strengths = corruptions.image_change(images.images, corrupted)
            if name in corruptions.PARAMETERS:
                strengths["parameter"] = _parameter(name, severity)
            for metric, value in strengths.items():
                rows.append(_row(images, name, severity, metric, value))
    return rows


def _parameter(name: str, severity: int) -> float:
    """The named parameter of a corruption, 0 at severity 0."""
    _, values = corruptions.PARAMETERS[name]
    return 0.0 if severity == 0 else float(values[severity - 1])


def _row(images: ImageSet, name: str, severity: int, metric: str, value: float) -> dict:
    """One row of results/."""
    return {
        "dataset": "cifar10c",
        "split": "test",
        "model": "none",
        "condition": name,
        "severity": severity,
        "origin": "regenerated" if images.origin == "official" else images.origin,
        "metric": metric,
        "value": float(value),
        "n": len(images),
    }
