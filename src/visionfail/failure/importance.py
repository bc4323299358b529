"""The layers and channels an auditor needs: AUROC from fewer of them, and with some shuffled."""

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.failure.activations import Activations
from visionfail.failure.auditor import Auditor
from visionfail.failure.several import fit_several


def scores_from_single_layers(
    learnt: Activations, judged: Activations, *, seed: int
) -> dict[str, np.ndarray]:
    """{layers: scores (N,)} on `judged` of auditors that learn from fewer layers of `learnt`.

    One auditor for each layer alone, one for the logits alone ("logits"), one for "all layers", and
    one for "all layers and logits".
    """
    layers = list(judged.latents)
    choices = {name: [name] for name in [*layers, "logits"]}
    choices["all layers"] = layers
    choices["all layers and logits"] = [*layers, "logits"]
    tasks = ((learnt.features(chosen), learnt.failed, seed) for chosen in choices.values())
    scores = {}
    for name, fitted in zip(choices, fit_several(tasks), strict=True):
        scores[name] = fitted.score(judged.features(choices[name]))
    return scores


def scores_with_shuffled_layers(
    auditor: Auditor, reading: Activations, *, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """{layer: scores (N,)} of an auditor where that layer's rows are dealt to other images.

    "none" has the scores as they are; the deal is the same for every layer. What AUROC loses is the
    layer's permutation importance. Breiman 2001, doi:10.1023/A:1010933404324.
    """
    order = generator.permutation(len(reading.labels))
    scores = {"none": auditor.score(reading.features())}
    for name in reading.latents:
        latents = dict(reading.latents)
        latents[name] = reading.latents[name][order]
        shuffled = Activations(latents, reading.logits, reading.labels)
        scores[name] = auditor.score(shuffled.features())
    return scores


def channel_importance(
    auditor: Auditor, reading: Activations, *, generator: np.random.Generator
) -> pd.DataFrame:
    """A row per channel, largest loss of AUROC by shuffling it alone first: layer, channel, loss.

    A loss of 0.1 is a fall of AUROC by 0.1.
    """
    features = reading.features()  # (N, channels of all layers)
    failed = reading.failed
    unshuffled = metrics.auroc(auditor.score(features), failed)
    order = generator.permutation(len(features))
    losses = []
    for column in range(features.shape[1]):
        shuffled = features.copy()
        shuffled[:, column] = features[order, column]
        losses.append(unshuffled - metrics.auroc(auditor.score(shuffled), failed))
    table = pd.DataFrame(_channels(reading), columns=["layer", "channel"]).assign(loss=losses)
    return table.sort_values("loss", ascending=False, ignore_index=True)


def _channels(reading: Activations) -> list[tuple[str, int]]:
    """(layer, channel) of each column of the features, in their order."""
    channels = []
    for layer, values in reading.latents.items():
        for channel in range(values.shape[1]):
            channels.append((layer, channel))
    return channels


def most_active_images(
    reading: Activations, layer: str, channel: int, *, count: int, among: np.ndarray
) -> np.ndarray:
    """The positions, up to (count,), of the images in which a channel is most active.

    Only images where `among`, bool (N,), is true are looked at.
    """
    places = np.flatnonzero(among)
    activity = reading.latents[layer][places, channel]
    strongest = np.argsort(-activity, kind="stable")[:count]
    return places[strongest]
