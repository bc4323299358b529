"""The folders of the repository, found from the package and never from the working directory."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# what a run leaves that is not committed; another folder where VISIONFAIL_RUNS names one
RUNS = Path(os.environ.get("VISIONFAIL_RUNS") or ROOT / "runs")
RESULTS = ROOT / "results"
FIGURES = ROOT / "figures"
MODELS = ROOT / "models"
NOTEBOOKS = ROOT / "notebooks"


def data_dir(root: str | os.PathLike | None = None) -> Path:
    """The folder of the data sets: `root`, else VISIONFAIL_DATA, else data/ in the repository.

    ValueError where that path is a file.
    """
    folder = Path(root or os.environ.get("VISIONFAIL_DATA") or ROOT / "data").expanduser()
    if folder.exists() and not folder.is_dir():
        raise ValueError(
            f"{folder} is a file, not a folder: point VISIONFAIL_DATA (or root) at a folder, or "
            "unset it to use data/."
        )
    return folder
