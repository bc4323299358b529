"""The 19 corruptions of CIFAR-10-C (Hendrycks and Dietterich 2019, arXiv:1903.12261), batched in
torch.

Parameters are those of the published CIFAR-10-C files, not of ImageNet-C. Where nothing is random
the bytes are the published ones, JPEG's excepted (published.py); the random ones follow the same
laws with our own draws; frost lays on a texture of our own making, not the published photographs.
"""

from visionfail.corruptions.apply import (
    ANY_SIZE,
    CORRUPTIONS,
    EXTRAS,
    RANDOM,
    check_corruption,
    check_pixels,
    corrupt,
    names_for,
)
from visionfail.corruptions.frost_texture import FROST_TEXTURE, SIDE, frost_textures
from visionfail.corruptions.published import IDENTICAL, PUBLISHED_MD5, regenerated_md5
from visionfail.corruptions.shifts import SHIFTS, draw, parameter, shift, shift_drawn
from visionfail.corruptions.strength import (
    PARAMETERS,
    STRENGTH_METRICS,
    image_change,
    strength_axes,
)

__all__ = [
    "ANY_SIZE",
    "CORRUPTIONS",
    "EXTRAS",
    "FROST_TEXTURE",
    "IDENTICAL",
    "PARAMETERS",
    "PUBLISHED_MD5",
    "RANDOM",
    "SHIFTS",
    "SIDE",
    "STRENGTH_METRICS",
    "check_corruption",
    "check_pixels",
    "corrupt",
    "draw",
    "frost_textures",
    "image_change",
    "names_for",
    "parameter",
    "regenerated_md5",
    "shift",
    "shift_drawn",
    "strength_axes",
]
