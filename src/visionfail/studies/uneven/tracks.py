"""Whether the frames of one sign could be found by their pixels, where it is not told."""

import numpy as np
import pandas as pd
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score

from visionfail.data import ImageSet


def track_recovery(images: ImageSet) -> pd.DataFrame:
    """A row per class with several tracks: class, tracks, frames, ari, split, mixed.

    Frames are clustered by their pixels into as many clusters as there are tracks (Ward's linkage,
    each frame less its mean, at length 1); ari is the adjusted Rand index of clusters and true
    groups, 1 where they are the same, 0 for clusters at random. Hubert and Arabie 1985,
    doi:10.1007/BF01908075. `split` counts tracks that lie in several clusters, `mixed` clusters
    with frames of several tracks. ValueError for images without groups.
    """
    if images.groups is None:
        raise ValueError("the groups of these images are not known: nothing to compare with.")
    pixels = images.images.float().flatten(1).numpy()  # (N, C * H * W)
    pixels -= pixels.mean(axis=1, keepdims=True)
    pixels /= np.linalg.norm(pixels, axis=1, keepdims=True) + 1e-9
    rows = []
    for label, name in enumerate(images.classes):
        members = np.flatnonzero(images.labels.numpy() == label)
        groups = images.groups.numpy()[members]
        tracks = len(np.unique(groups))
        if tracks > 1:
            clusters = AgglomerativeClustering(tracks, linkage="ward").fit_predict(pixels[members])
            ari = adjusted_rand_score(groups, clusters)
            pairs = np.unique(np.stack([groups, clusters]), axis=1)  # (2, pairs that occur)
            row = {"class": name, "tracks": tracks, "frames": len(members), "ari": ari}
            row["split"] = int((np.unique(pairs[0], return_counts=True)[1] > 1).sum())
            row["mixed"] = int((np.unique(pairs[1], return_counts=True)[1] > 1).sum())
            rows.append(row)
    return pd.DataFrame(rows)
