"""How strong a corruption is, by something other than its level: severity counts steps that
somebody chose.
"""

import time
from pathlib import Path

import pandas as pd

from visionfail import corruptions, devices, results
from visionfail.data import ImageSet

RUN = "doses-cifar10c"


def load_or_measure_strengths(folder: Path, images: ImageSet | None) -> tuple[pd.DataFrame, str]:
    """(rows, "loaded" | "measured"): the doses that lie in `folder` as a run of results/, else
    those of `images`, stored there. ValueError where there is neither.
    """
    if (Path(folder) / f"{RUN}.csv").exists():
        return results.load_run(RUN, folder=folder)[0], "loaded"
    if images is None:
        raise ValueError(
            f"no {RUN}.csv in {folder}: give the clean test images to measure doses on."
        )
    start, rows = time.perf_counter(), strength_rows(images)
    config = {"origin": images.origin, "n": len(images), "metrics": corruptions.STRENGTH_METRICS}
    made = {"seconds": time.perf_counter() - start, "device": devices.describe_device("cpu")}
    results.save_run(
        RUN, rows, folder=folder, config=config, data_checksums={"test": images.checksum()}, **made
    )
    return results.load_run(RUN, folder=folder)[0], "measured"


def strength_rows(images: ImageSet) -> list[dict]:
    """Rows of results/ for each corruption at severity 0 to 5, as `corruptions.corrupt` makes it of
    `images`:

    pixel_change, the mean absolute change in grey levels (0 to 255); dissimilarity, 1 - SSIM (Wang
    et al. 2004, doi:10.1109/TIP.2003.819861; Gaussian window of sigma 1.5); parameter, the named
    one where it is a single number.
    """
    found = []
    for name in corruptions.CORRUPTIONS + corruptions.EXTRAS:
        _, values = corruptions.PARAMETERS.get(name, (None, (None,) * 5))
        for severity, value in enumerate((None if values[0] is None else 0.0, *values)):
            measured = corruptions.image_change(
                images.images, corruptions.corrupt(images.images, name, severity)
            )
            for metric, dose in (measured | {"parameter": value}).items():
                if dose is not None:
                    found.append(_row(images, name, severity, metric, dose))
    return found


def _row(images: ImageSet, name: str, severity: int, metric: str, value: float) -> dict:
    origin = "regenerated" if images.origin == "official" else images.origin
    common = {
        "dataset": "cifar10c",
        "split": "test",
        "model": "none",
        "condition": name,
        "severity": severity,
    }
    return common | {"origin": origin, "metric": metric, "value": float(value), "n": len(images)}
