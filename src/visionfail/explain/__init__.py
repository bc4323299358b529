"""Grad-CAM, and measures of saliency maps."""

from visionfail.explain.gradcam import gradcam, gradcam_layers
from visionfail.explain.maps import centre_mass, centroid_shift, map_entropy, overlap

__all__ = [
    "centre_mass",
    "centroid_shift",
    "gradcam",
    "gradcam_layers",
    "map_entropy",
    "overlap",
]
