"""Which layers and channels tell an auditor that an answer is wrong: less evidence, and shuffled
evidence.
"""

import numpy as np
import pandas as pd

from visionfail import metrics
from visionfail.failure import auditor
from visionfail.failure.activations import Activations
from visionfail.failure.auditor import Auditor


def scores_from_single_layers(
    learnt: Activations, judged: Activations, *, seed: int
) -> dict[str, np.ndarray]:
    """Scores (N,) on `judged` of auditors that learn from one layer alone, from the logits alone,
    and from all.
    """
    layers = list(judged.latents)
    choices = {name: [name] for name in [*layers, "logits"]} | {
        "all layers": layers,
        "and logits": [*layers, "logits"],
    }
    fitted = {
        name: auditor.fit_auditor(learnt.features(some), learnt.failed, seed=seed)
        for name, some in choices.items()
    }
    return {name: judge.score(judged.features(choices[name])) for name, judge in fitted.items()}


def scores_with_shuffled_layers(
    judge: Auditor, reading: Activations, *, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """Scores (N,) of `judge` as they are ("none"), and with one layer's rows dealt to other images,
    the same deal for every layer. What AUROC loses is the layer's permutation importance. Breiman
    2001, doi:10.1023/A:1010933404324.
    """
    order, found = (
        generator.permutation(len(reading.labels)),
        {"none": judge.score(reading.features())},
    )
    for name in reading.latents:
        mixed = Activations(
            reading.latents | {name: reading.latents[name][order]}, reading.logits, reading.labels
        )
        found[name] = judge.score(mixed.features())
    return found


def channel_importance(
    judge: Auditor, reading: Activations, *, generator: np.random.Generator
) -> pd.DataFrame:
    """How much AUROC falls when one channel alone is shuffled, the most telling first: layer,
    channel, loss.
    """
    features, failed = reading.features(), reading.failed
    whole, order = (
        metrics.auroc(judge.score(features), failed),
        generator.permutation(len(features)),
    )
    losses = []
    for column in range(features.shape[1]):
        mixed = features.copy()
        mixed[:, column] = features[order, column]
        losses.append(whole - metrics.auroc(judge.score(mixed), failed))
    names = [
        (layer, k) for layer, values in reading.latents.items() for k in range(values.shape[1])
    ]
    table = pd.DataFrame(names, columns=["layer", "channel"]).assign(loss=losses)
    return table.sort_values("loss", ascending=False, ignore_index=True)


def most_active_images(
    reading: Activations, layer: str, channel: int, *, count: int, among: np.ndarray
) -> np.ndarray:
    """The `count` images in which a channel is most active, among those where `among` (N,) is true:
    their places.
    """
    places = np.flatnonzero(among)
    return places[np.argsort(-reading.latents[layer][places, channel], kind="stable")[:count]]
