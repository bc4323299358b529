"""How strong a corruption is, by something other than its level: severity counts steps that somebody chose."""

import pandas as pd

from visionfail import corruptions
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


def doses(images: ImageSet) -> pd.DataFrame:
    """Per corruption and severity 0 to 5: pixel_change, the mean absolute change in grey levels (0 to 255) over
    `images` as `corruptions.corrupt` makes them, and the named parameter (missing where it is no single number).
    """
    lines = []
    for name in corruptions.CORRUPTIONS + corruptions.EXTRAS:
        parameter, values = PARAMETERS.get(name, (None, (None,) * 5))
        lines.append({"corruption": name, "severity": 0, "pixel_change": 0.0, "parameter": parameter})
        lines[-1]["value"] = None if parameter is None else 0.0
        for severity, value in enumerate(values, start=1):
            changed = corruptions.corrupt(images.images, name, severity).float() - images.images.float()
            change = changed.abs().mean().item()
            row = {"severity": severity, "pixel_change": change, "parameter": parameter, "value": value}
            lines.append({"corruption": name} | row)
    return pd.DataFrame(lines)


def axes(table: pd.DataFrame, column: str) -> dict[str, list[float]]:
    """{corruption: [dose at severity 0 to 5]} from `doses`, of those whose `column` ("pixel_change" or "value") grows
    with every severity: for the others it is no axis that a curve could be drawn over.
    """
    found = {name: part.sort_values("severity")[column] for name, part in table.groupby("corruption", sort=False)}
    return {name: dose.tolist() for name, dose in found.items() if dose.notna().all() and (dose.diff()[1:] > 0).all()}
