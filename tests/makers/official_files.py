"""Small data sets written in exactly the official formats, for tests; and a web server with the
faults of real ones.
"""

import gzip
import hashlib
import io
import pickle
import tarfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image
from torchvision import datasets

from visionfail.data import cifar10c, gtsrb, torchvision_sets


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def pictures(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def write_cifar10(
    folder: Path, monkeypatch, *, per_batch: int = 20
) -> dict[str, tuple[np.ndarray, list[int]]]:
    """cifar-10-batches-py with batches of `per_batch`; torchvision is told their sums. Returns what
    is in each file.
    """
    target = folder / "cifar-10-batches-py"
    target.mkdir(parents=True)
    written = {}
    sums = {}
    for i, name in enumerate([f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]):
        rows = pictures(per_batch, 3072, seed=i)
        labels = [(k + i) % 10 for k in range(per_batch)]
        content = pickle.dumps({"data": rows, "labels": labels})
        (target / name).write_bytes(content)
        written[name] = (rows, labels)
        sums[name] = md5(content)
    meta = pickle.dumps({"label_names": ["airplane"] * 10})
    (target / "batches.meta").write_bytes(meta)
    monkeypatch.setattr(
        datasets.CIFAR10, "train_list", [[n, s] for n, s in sums.items() if n != "test_batch"]
    )
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setitem(datasets.CIFAR10.meta, "md5", md5(meta))
    return written


def pack_cifar10(folder: Path, monkeypatch) -> bytes:
    """The files of write_cifar10 as the archive that the official host serves."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(folder / "cifar-10-batches-py", "cifar-10-batches-py")
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", md5(buffer.getvalue()))
    return buffer.getvalue()


def idx(array: np.ndarray) -> bytes:
    """MNIST's format: two zero bytes, 8 for unsigned bytes, the number of dimensions, each as a
    big-endian integer.
    """
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


def write_mnist(folder: Path, monkeypatch, *, train: int, test: int = 30) -> dict[str, np.ndarray]:
    """MNIST/raw with digits 0, 1, ... 9, 0, 1, ... as labels and each image's number in its first
    three pixels.
    """
    arrays = {}
    for prefix, count in (("train", train), ("t10k", test)):
        number = np.arange(count)
        images = np.zeros((count, 28, 28), np.uint8)
        images[:, 0, :3] = np.stack([number >> 16, number >> 8 & 255, number & 255], axis=1)
        arrays[f"{prefix}-images-idx3-ubyte"] = images
        arrays[f"{prefix}-labels-idx1-ubyte"] = (number % 10).astype(np.uint8)
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, array in arrays.items():
        (raw / name).write_bytes(idx(array))
        monkeypatch.setitem(torchvision_sets.MNIST_MD5, name, md5(idx(array)))
    return arrays


def gzipped_mnist(arrays: dict[str, np.ndarray], monkeypatch) -> dict[str, bytes]:
    """The same as the mirrors serve it."""
    packed = {
        f"{name}.gz": gzip.compress(idx(array), compresslevel=1) for name, array in arrays.items()
    }
    monkeypatch.setattr(
        datasets.MNIST, "resources", [(name, md5(content)) for name, content in packed.items()]
    )
    return packed


def write_svhn(
    folder: Path, monkeypatch, *, labels: np.ndarray, counts: tuple[int, int] = (40, 20)
) -> np.ndarray:
    """Both .mat files, X (32, 32, 3, N) and y (N, 1); the training labels are given as stored:
    digit 0 is 10.
    """
    folder.mkdir(parents=True, exist_ok=True)
    listed = {}
    for split, count in zip(("train", "test"), counts, strict=True):
        x = np.moveaxis(pictures(count, 32, 32, 3, seed=count), 0, -1)
        y = labels if split == "train" else np.arange(1, count + 1) % 10 + 1
        file = folder / f"{split}_32x32.mat"
        scipy.io.savemat(file, {"X": x, "y": np.asarray(y, np.uint8).reshape(-1, 1)})
        listed[split] = [f"http://127.0.0.1:9/{file.name}", file.name, md5(file.read_bytes())]
    monkeypatch.setattr(datasets.SVHN, "split_list", listed)
    return np.moveaxis(pictures(counts[0], 32, 32, 3, seed=counts[0]), -1, 1)


def write_tracks(folder: Path) -> None:
    """GTSRB's training tracks in torchvision's folders: three tracks with four frames, odd in
    size, of each of 43 classes; red is the class, green the track, blue the frame.
    """
    for label in range(43):
        of_class = gtsrb.training_folder(folder) / f"{label:05d}"
        of_class.mkdir(parents=True)
        for track in range(3):
            for frame in range(4):
                picture = Image.new("RGB", (20 + frame, 25), (label, track, frame))
                picture.save(of_class / f"{track:05d}_{frame:05d}.ppm")


def write_cifar10c(
    folder: Path, names: tuple[str, ...], *, per_severity: int = 12
) -> dict[str, np.ndarray]:
    """CIFAR-10-C/<name>.npy with five blocks of `per_severity` images, and labels.npy."""
    target = folder / "CIFAR-10-C"
    target.mkdir(parents=True)
    arrays = {name: pictures(5 * per_severity, 32, 32, 3, seed=i) for i, name in enumerate(names)}
    arrays["labels"] = np.tile(np.arange(per_severity, dtype=np.uint8) % 10, 5)
    for name, array in arrays.items():
        np.save(target / f"{name}.npy", array)
    return arrays


def pack_cifar10c(folder: Path, monkeypatch) -> bytes:
    """The folder as the archive that the mirrors serve; the published sums are replaced by those of
    its files.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder / "CIFAR-10-C", "CIFAR-10-C")
    sums = {path.stem: md5(path.read_bytes()) for path in (folder / "CIFAR-10-C").iterdir()}
    monkeypatch.setattr(cifar10c, "PUBLISHED_MD5", sums)
    monkeypatch.setattr(cifar10c, "ARCHIVE_MD5", md5(buffer.getvalue()))
    return buffer.getvalue()


@contextmanager
def server(files: dict[str, bytes], *, ranges: bool = True, stop_after: int | None = None):
    """Serve `files` on this machine; yields the address and the list of (path, Range) asked for.

    Without `ranges` a request for the rest gets everything; with `stop_after` the line breaks after
    so many bytes.
    """
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range")
            asked.append((self.path, wanted))
            name = self.path.lstrip("/").split("?")[0]
            if name not in files:
                return self.send_error(404)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and ranges else 0
            content = files[name]
            if start >= len(content):
                return self.send_error(416)
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start : start + stop_after if stop_after else None])

        def log_message(self, *arguments):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}", asked
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there
