"""All detectors of one classifier's failures, fitted on the same activations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visionfail import metrics
from visionfail.failure import scores
from visionfail.failure.activations import Activations
from visionfail.failure.auditor import Auditor
from visionfail.failure.distances import RelativeMahalanobis, Vim
from visionfail.failure.several import fit_several


@dataclass(frozen=True, eq=False)
class Detectors:
    """Auditors and their baselines, fitted on the same activations."""

    auditor: Auditor
    with_logits: Auditor  # reads the logits too
    probe: scores.LinearProbe
    sorted_logits: scores.SortedLogits
    temperature: float
    neighbours: scores.Neighbours
    mahalanobis: RelativeMahalanobis
    vim: Vim
    hidden: str  # the layer in which distances are taken

    def score(self, reading: Activations) -> dict[str, np.ndarray]:
        """{detector: scores (N,)} on the same images, the auditor first."""
        hidden = reading.latents[self.hidden]  # (N, D of this layer)
        logits = reading.logits
        found = self.auditor_scores(reading)
        found.update(scores.scores_from_logits(logits))
        found["tempered entropy"] = scores.tempered_entropy(logits, self.temperature)
        found["neighbours"] = self.neighbours.score(hidden)
        found["relative Mahalanobis"] = self.mahalanobis.score(hidden)
        found["ViM"] = self.vim.score(hidden, logits)
        found["logistic regression"] = self.sorted_logits.score(logits)
        found["linear probe"] = self.probe.score(reading.features())
        return found

    def auditor_scores(self, reading: Activations) -> dict[str, np.ndarray]:
        """{detector: scores (N,)} of the two auditors, which alone have a seed."""
        return {
            "auditor": self.auditor.score(reading.features()),
            "auditor + logits": self.with_logits.score(_with_logits(reading)),
        }


def fit_detectors(learnt: Activations, known: Activations, *, seed: int) -> Detectors:
    """All detectors; of these the two auditors alone have a seed.

    Those that learn do so on `learnt`, images the classifier has not seen, as does the temperature;
    distances are taken to `known`, images that it has, in the last of its layers.
    """
    (auditors,) = fit_auditors([learnt], seeds=[seed])
    return fit_baselines(auditors, learnt, known)


def fit_baselines(
    auditors: dict[str, Auditor], learnt: Activations, known: Activations
) -> Detectors:
    """The detectors of which the `auditors` have been fitted on `learnt`, by `fit_auditors`."""
    hidden = list(known.latents)[-1]
    near = known.latents[hidden]  # (M, D)
    return Detectors(
        **auditors,
        probe=scores.LinearProbe(learnt.features(), learnt.failed),
        sorted_logits=scores.SortedLogits(learnt.logits, learnt.failed),
        temperature=metrics.fit_temperature(learnt.logits, learnt.labels),
        neighbours=scores.Neighbours(near),
        mahalanobis=RelativeMahalanobis(near, known.labels),
        vim=Vim(near, known.logits, dimensions=near.shape[1] // 2),
        hidden=hidden,
    )


def fit_auditors(
    learnt: Sequence[Activations], *, seeds: Sequence[int]
) -> list[dict[str, Auditor]]:
    """The fields of `Detectors` that have a seed, {"auditor", "with_logits"}, of each pair.

    A pair is what is learnt from and its seed; all are fitted at once, on the cores there are.
    """
    tasks = (
        (latents(reading), reading.failed, seed)
        for reading, seed in zip(learnt, seeds, strict=True)
        for latents in (Activations.features, _with_logits)
    )
    fitted = iter(fit_several(tasks))
    return [{"auditor": plain, "with_logits": next(fitted)} for plain in fitted]


def _with_logits(reading: Activations) -> np.ndarray:
    """The latents of all layers and the logits side by side, (N, D + K)."""
    return reading.features([*reading.latents, "logits"])
