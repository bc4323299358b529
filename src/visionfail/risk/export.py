"""ONNX and int8: exported only through a gate that compares decisions, on loading too.

A network that decides otherwise than the one that was evaluated is another network. onnx,
onnxruntime and onnxscript come with the extra `risk`.
"""

import dataclasses
import tempfile
import warnings
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from visionfail import files, metrics, models
from visionfail.data import ImageSet
from visionfail.risk import timing
from visionfail.risk.calibration import Calibration
from visionfail.risk.gate import Gate, check_export, describe_host
from visionfail.risk.saved import Classifier
from visionfail.risk.thresholds import Threshold

FORMATS = ("onnx", "int8")
BATCHES = (1, 7)  # sizes at which the gate asks
CALIBRATING = 200  # validation pictures by which int8 sets its ranges
CALLS = 40  # of int8 and of float, to see which is faster
GATE_FILE = "gate.npz"


@dataclass(frozen=True, eq=False)
class Exported:
    """An onnxruntime session that answers as the classifier does; `path` is its file."""

    kind: str  # "onnx" or "int8"
    session: Any
    path: Path
    gate: Gate

    def logits(self, images: Tensor, *, batch_size: int = 32) -> np.ndarray:
        """Logits float32 (N, 2) of pictures uint8 (N, 3, H, W) or floats in [0, 1]."""
        return logits_of(self.session, images, batch_size=batch_size)

    def score(self, images: Tensor) -> np.ndarray:
        """The softmax probability of "unsafe", (N,)."""
        return metrics.probabilities(self.logits(images))[:, 1]


def logits_of(session: Any, images: Tensor, *, batch_size: int) -> np.ndarray:
    """Logits (N, 2) of an onnxruntime session."""
    rows = []
    for batch in images.split(batch_size):
        (logits,) = session.run(None, {"images": models.as_float(batch).numpy()})
        rows.append(logits)
    return np.concatenate(rows)


def write_onnx(classifier: Classifier, path: Path) -> None:
    """Write the network as ONNX, images float (N, 3, side, side) in [0, 1], any N."""
    side = classifier.config.side
    model = deepcopy(classifier.model).cpu().to(memory_format=torch.contiguous_format).eval()
    example = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    with files.atomic_write(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own
        torch.onnx.export(
            model,
            (example,),
            str(temporary),
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def write_int8(onnx_path: Path, path: Path, calibrating: Tensor) -> None:
    """Write the int8 version (static, quantise-dequantise pairs) of an ONNX file.

    Ranges are those of the pictures `calibrating`, uint8 (N, 3, H, W).
    """
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Pictures(quantization.CalibrationDataReader):
        """One picture after another."""

        def __init__(self) -> None:
            self.rest = iter(models.as_float(calibrating).split(1))

        def get_next(self) -> dict | None:
            picture = next(self.rest, None)
            return None if picture is None else {"images": picture.numpy()}

    prepared = path.with_name(f".{path.stem}.prepared.tmp.onnx")
    try:
        quant_pre_process(str(onnx_path), str(prepared))
        with files.atomic_write(path) as temporary:
            quantization.quantize_static(
                str(prepared),
                str(temporary),
                Pictures(),
                quant_format=quantization.QuantFormat.QDQ,
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
    finally:
        prepared.unlink(missing_ok=True)


def session_of(path: Path) -> Any:
    """An onnxruntime session on the CPU.

    ValueError where the extra `risk` is missing, or the file holds no network.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ValueError(f'{error}: pip install -e ".[risk]" brings it.') from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    # idle threads would spin on, and slow down whoever is asked next
    options.add_session_config_entry("session.force_spinning_stop", "1")
    with files.reading(path, remedy="export it again"):
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def export(
    classifier: Classifier,
    kind: str,
    validation: ImageSet,
    threshold: Threshold,
    *,
    even_if_slower: bool = False,
) -> Exported:
    """The exported network, in the classifier's folder beside the pictures that opened its gate.

    ValueError with every reason where the gate does not pass, and where int8 answers no faster than
    ONNX in float on this host, unless `even_if_slower`; nothing is left behind then.
    """
    if kind not in FORMATS:
        raise ValueError(f"no format {kind!r}: choose {' or '.join(FORMATS)}.")
    path = export_file(classifier, kind)
    onnx_path = path if kind == "onnx" else classifier.folder / ".exporting.onnx"
    try:
        write_onnx(classifier, onnx_path)
        if kind == "int8":
            write_int8(onnx_path, path, _calibrating(validation))
        keep_gate_pictures(classifier, validation, threshold)
        exported = load_exported(classifier, kind)
        if kind == "int8" and not even_if_slower:
            check_faster(exported.session, session_of(onnx_path), validation.images[:1])
        return exported
    except ValueError:
        discard(classifier, kind)
        raise
    finally:
        if kind == "int8":
            onnx_path.unlink(missing_ok=True)


def export_file(classifier: Classifier, kind: str) -> Path:
    """Where the export of a classifier lies."""
    return classifier.folder / f"model.{kind}.onnx"


def discard(classifier: Classifier, kind: str) -> None:
    """Remove an export, and the gate's pictures where no other export needs them."""
    export_file(classifier, kind).unlink(missing_ok=True)
    if not any(export_file(classifier, other).exists() for other in FORMATS):
        (classifier.folder / GATE_FILE).unlink(missing_ok=True)


def check_faster(int8: Any, onnx: Any, picture: Tensor) -> None:
    """ValueError where the session `int8` answers a picture (1, 3, H, W) no faster than `onnx`."""
    sessions = {"int8": int8, "onnx": onnx}
    networks = {}
    for name, session in sessions.items():
        networks[name] = partial(logits_of, session, batch_size=1)
    times = timing.milliseconds(networks, picture, repeats=CALLS)
    median = {name: float(np.median(values)) for name, values in times.items()}
    if median["int8"] >= median["onnx"]:
        raise ValueError(
            f"int8 takes {median['int8']:.2f} ms a picture, ONNX in float {median['onnx']:.2f} "
            f"(medians of {CALLS}, {describe_host()}): export onnx, or ask for int8 even if slower "
            "(--even-if-slower)."
        )


def _calibrating(validation: ImageSet) -> Tensor:
    """The validation pictures by which int8 sets its ranges, always the same."""
    order = torch.randperm(len(validation), generator=torch.Generator().manual_seed(0))
    return validation.images[order[:CALIBRATING]]


def write_formats(classifier: Classifier, validation: ImageSet, folder: Path) -> dict[str, Path]:
    """{format: its file in the folder}, whatever their gates would say: to measure, not to use."""
    paths = {kind: folder / f"model.{kind}.onnx" for kind in FORMATS}
    write_onnx(classifier, paths["onnx"])
    write_int8(paths["onnx"], paths["int8"], _calibrating(validation))
    return paths


def int8_score(classifier: Classifier, validation: ImageSet, images: Tensor) -> np.ndarray:
    """What an int8 version scores pictures uint8 (N, 3, H, W), (N,), whatever its gate would say.

    To measure what is refused; nothing of it is kept.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = write_formats(classifier, validation, Path(folder))["int8"]
        logits = logits_of(session_of(path), images, batch_size=32)
    return metrics.probabilities(logits)[:, 1]


def gate_arrays(classifier: Classifier, validation: ImageSet) -> dict[str, np.ndarray]:
    """What a gate asks with: {"images", "labels", "groups", "logits"}, the network's own logits.

    They are of a copy on the CPU: there float32 is float32, as in an export, and on a GPU it may be
    TF32 in convolutions, further from both than they may be from each other.
    """
    model = deepcopy(classifier.model).cpu()
    logits = models.predict(model, validation.images, batch_size=128).numpy()
    return {
        "images": validation.images.numpy(),
        "labels": validation.labels.numpy(),
        "groups": validation.group_numbers(),
        "logits": logits,
    }


def keep_gate_pictures(classifier: Classifier, validation: ImageSet, threshold: Threshold) -> None:
    """Keep pictures, the network's own logits and the threshold, for the gate on loading."""
    arrays = gate_arrays(classifier, validation)
    made = {"model_sha256": classifier.card["sha256"], "threshold": dataclasses.asdict(threshold)}
    files.save_arrays(classifier.folder / GATE_FILE, arrays, made=made)


def ask_gate(
    kind: str,
    session: Any,
    arrays: Mapping[str, np.ndarray],
    *,
    threshold: Threshold,
    calibration: Calibration,
) -> Gate:
    """What the gate says of a session, asked about the pictures of `gate_arrays` in BATCHES."""
    images = torch.from_numpy(arrays["images"])
    return check_export(
        kind,
        arrays["logits"],
        {size: logits_of(session, images, batch_size=size) for size in BATCHES},
        labels=arrays["labels"],
        groups=arrays["groups"],
        threshold=threshold,
        calibration=calibration,
    )


def load_exported(classifier: Classifier, kind: str, *, own: float | None = None) -> Exported:
    """The export of a classifier, after its gate on this host.

    The gate asks at the threshold that decides now, or at the caller's `own`. FileNotFoundError
    where there is no export; ValueError with every reason where the gate fails.
    """
    path = export_file(classifier, kind)
    for file in (path, classifier.folder / GATE_FILE):
        if not file.exists():
            raise FileNotFoundError(f"no {file.name} in {classifier.folder}: export it first.")
    arrays, made = files.load_arrays(classifier.folder / GATE_FILE)
    if made["model_sha256"] != classifier.card["sha256"]:
        raise ValueError(f"{GATE_FILE} is of another network: export it again.")
    threshold = classifier.decision() or Threshold(**made["threshold"])
    if own is not None:
        threshold = dataclasses.replace(threshold, value=own, guaranteed=False)
    session = session_of(path)
    gate = ask_gate(
        kind,
        session,
        arrays,
        threshold=threshold,
        calibration=classifier.calibration,
    )
    if not gate.passed:
        raise ValueError(
            f"{path.name} does not decide as the network that was evaluated: "
            f"{'; '.join(gate.reasons)} ({gate.host})."
        )
    return Exported(kind, session, path, gate)
