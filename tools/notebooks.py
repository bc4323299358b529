"""Run notebooks from a clean kernel. As a command: all of them, or those named, in the full
profile, in place.

python tools/notebooks.py [01_train_resnet18 ...]
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
import warnings
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from visionfail import files, paths

if sys.platform == "win32":  # the kernel's sockets need it there
    asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())


def find(names: list[str] | None = None) -> list[Path]:
    """The notebooks in their order, or those whose names begin so; the overview last: it reads what
    others write.
    """
    every = sorted(
        paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"),
        key=lambda path: (path.name[:2] == "00", path.name),
    )
    chosen = [
        path for path in every if not names or any(path.name.startswith(name) for name in names)
    ]
    if not chosen:
        raise SystemExit(f"no notebook begins with {' or '.join(names or [])} in {paths.NOTEBOOKS}")
    return chosen


def execute(path: Path, *, profile: str, timeout: int | None = None) -> nbformat.NotebookNode:
    """The notebook as executed, in order, by a kernel of its own; the file itself is left alone."""
    notebook = nbformat.read(path, as_version=4)
    environment = os.environ | {
        "VISIONFAIL_PROFILE": profile,
        "TQDM_DISABLE": "1",
        "PYTHONWARNINGS": "ignore",
    }
    with (
        tempfile.TemporaryDirectory() as elsewhere,
        warnings.catch_warnings(),
    ):  # no cell may rely on the folder
        warnings.simplefilter("ignore")
        client = NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            resources={"metadata": {"path": elsewhere}},
        )
        client.execute(env=environment)
    return clean(notebook)


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what differs between two runs or machines: times of execution, the kernel's patch
    version, paths.
    """
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("execution", None)
        cell.id = f"cell-{number:02d}"
        for output in cell.get("outputs", []):
            if "text" in output:
                output.text = re.sub(re.escape(str(paths.ROOT)) + r"[/\\]?", "", output.text)
    return notebook


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    with files.atomic_write(path) as part:
        part.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names",
        nargs="*",
        help="beginnings of the notebooks' names; all of them where none is given",
    )
    parser.add_argument("--profile", default="full", choices=["full", "quick"])
    arguments = parser.parse_args()
    for path in find(arguments.names):
        start = time.time()
        try:
            write(execute(path, profile=arguments.profile), path)
        except CellExecutionError as error:
            raise SystemExit(f"{path.name} stopped; the file is as it was.\n{error}") from None
        print(f"{path.name}: {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
