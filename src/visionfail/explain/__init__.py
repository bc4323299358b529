"""Grad-CAM, measures of saliency maps, and tests of what a map may be taken to mean."""

from visionfail.explain.faithfulness import fall_when_hidden, fill_in
from visionfail.explain.gradcam import gradcam, gradcam_layers, signed_cells
from visionfail.explain.maps import (
    centre_mass,
    centred_blob,
    centroid_shift,
    fragments,
    is_empty,
    map_entropy,
    overlap,
    top_pixels,
    top_share,
)
from visionfail.explain.randomisation import parts_from_the_top, randomised

__all__ = [
    "centre_mass",
    "centred_blob",
    "centroid_shift",
    "fall_when_hidden",
    "fill_in",
    "fragments",
    "gradcam",
    "gradcam_layers",
    "is_empty",
    "map_entropy",
    "overlap",
    "parts_from_the_top",
    "randomised",
    "signed_cells",
    "top_pixels",
    "top_share",
]
