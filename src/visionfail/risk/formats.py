"""The formats of a classifier beside each other: size, milliseconds, and what their gates say."""

import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from torch import Tensor

from visionfail import devices, metrics, models
from visionfail.data import ImageSet
from visionfail.models.inputs import ResizedInside
from visionfail.risk import timing
from visionfail.risk.export import ask_gate, gate_arrays, logits_of, session_of, write_formats
from visionfail.risk.gate import describe_host
from visionfail.risk.saved import Classifier
from visionfail.risk.thresholds import Threshold

TIMED = 50
TIMED_BATCHES = (1, 32)
PASSES = "passes"
IMAGENET_SIDE = 224  # what others time an ImageNet network at


@dataclass(frozen=True, eq=False)
class Format:
    """One way to run a classifier; `gate` is PASSES, why it is refused, or "" for torch itself."""

    name: str
    size_mb: float
    gate: str
    host: str
    ask: Callable[[Tensor], object]
    batches: tuple[int, ...] = TIMED_BATCHES


def can_export() -> bool:
    """Whether the extra `risk` is installed."""
    return bool(find_spec("onnxruntime") and find_spec("onnxscript"))


def format_rows(classifier: Classifier, validation: ImageSet, threshold: Threshold) -> list[dict]:
    """A row per format and batch size: format, size_mb, gate, host, batch, n, p50_ms, p95_ms.

    Milliseconds of one batch, in TIMED repeats, the formats in turn, by as many threads as torch
    uses; p50_lo and p50_hi are a 95% bootstrap interval of the median. Torch is timed at
    IMAGENET_SIDE, too. What its gate refuses is measured all the same, and says why. Without
    onnxruntime torch alone.
    """
    formats = [_as_torch(classifier), _as_torch(classifier, side=IMAGENET_SIDE)]
    with tempfile.TemporaryDirectory() as folder:
        if can_export():
            formats += _exported(classifier, validation, threshold, folder=Path(folder))
        times = _times(formats, validation.images)
    rows = []
    for way in formats:
        about = {"format": way.name, "size_mb": way.size_mb, "gate": way.gate, "host": way.host}
        for size in way.batches:
            summary = _summary(times[size][way.name])
            rows.append({**about, "batch": size, "n": TIMED, **summary})
    return rows


def _as_torch(classifier: Classifier, *, side: int = 0) -> Format:
    """The network itself, in float32; with a `side` it brings pictures to so many pixels."""
    tensors = classifier.model.state_dict().values()
    size_mb = sum(tensor.numel() * 4 for tensor in tensors) / 1e6
    host = devices.describe_device(next(classifier.model.parameters()).device)
    model = classifier.model
    if side:
        model = deepcopy(model)
        assert isinstance(model, ResizedInside)  # as all that are trained here
        model.resize_to(side, model.resizing)
    name = f"torch, {side} pixels" if side else "torch"
    batches = TIMED_BATCHES[:1] if side else TIMED_BATCHES  # many large pictures take minutes
    return Format(name, size_mb, "", host, partial(models.predict, model), batches)


def _exported(
    classifier: Classifier, validation: ImageSet, threshold: Threshold, *, folder: Path
) -> list[Format]:
    """Every export of the network, written to the folder, with what its gate says."""
    arrays = gate_arrays(classifier, validation)
    formats = []
    for kind, path in write_formats(classifier, validation, folder).items():
        session = session_of(path)
        gate = ask_gate(
            kind, session, arrays, threshold=threshold, calibration=classifier.calibration
        )
        words = PASSES if gate.passed else "; ".join(gate.reasons)
        ask = partial(logits_of, session, batch_size=TIMED_BATCHES[-1])
        formats.append(Format(kind, path.stat().st_size / 1e6, words, describe_host(), ask))
    return formats


def _times(formats: list[Format], images: Tensor) -> dict[int, dict[str, np.ndarray]]:
    """{batch size: {format: milliseconds (TIMED,)}}."""
    times = {}
    for size in TIMED_BATCHES:
        networks = {way.name: way.ask for way in formats if size in way.batches}
        times[size] = timing.milliseconds(networks, images[:size], repeats=TIMED)
    return times


def _summary(times: np.ndarray) -> dict[str, float]:
    """{"p50_ms", "p50_lo", "p50_hi", "p95_ms"} of milliseconds (N,)."""
    drawn = np.random.default_rng(0).choice(times, size=(1000, len(times)))
    lo, hi = metrics.percentile_interval(np.median(drawn, axis=1))
    p50, p95 = np.quantile(times, [0.5, 0.95])
    return {"p50_ms": float(p50), "p50_lo": float(lo), "p50_hi": float(hi), "p95_ms": float(p95)}
