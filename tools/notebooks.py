"""Run notebooks from a clean kernel, in the full profile and in place.

python tools/notebooks.py [01_train_resnet18 ...]     default: all of them
"""

import argparse
import asyncio
import contextlib
import os
import re
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.utils import ensure_async
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from visionfail import files, paths

if sys.platform == "win32":  # the kernel's sockets need it there
    asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())


class Client(NotebookClient):
    """A client that leaves Ctrl-C to asyncio: nbclient would end the kernel and keep quiet."""

    async def async_execute(self, reset_kc: bool = False, **keywords: Any) -> nbformat.NotebookNode:
        self.on_ctrl_c = signal.getsignal(signal.SIGINT)
        return await super().async_execute(reset_kc, **keywords)

    async def async_start_new_kernel(self, **keywords: Any) -> None:
        with contextlib.suppress(NotImplementedError):  # Windows, where nbclient sets nothing
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, self.on_ctrl_c)
        await super().async_start_new_kernel(**keywords)


def find(names: list[str] | None = None) -> list[Path]:
    """The notebooks in the order to run them, or those of them whose names begin with `names`.

    The overview, 00, comes last: it reads what the others write.
    """
    notebooks = sorted(
        paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"),
        key=lambda path: (path.name.startswith("00"), path.name),
    )
    beginnings = tuple(names or [""])  # every name begins with ""
    chosen = [path for path in notebooks if path.name.startswith(beginnings)]
    if not chosen:
        raise SystemExit(f"no notebook begins with {' or '.join(names or [])} in {paths.NOTEBOOKS}")
    return chosen


def execute(path: Path, *, profile: str, timeout: int | None = None) -> nbformat.NotebookNode:
    """The notebook as executed, in order, by a kernel of its own; the file itself is left alone."""
    notebook = nbformat.read(path, as_version=4)
    environment = dict(os.environ)
    environment["VISIONFAIL_PROFILE"] = profile
    environment["TQDM_DISABLE"] = "1"
    environment["PYTHONWARNINGS"] = "ignore"
    # run elsewhere: no cell may rely on the folder
    with tempfile.TemporaryDirectory() as elsewhere, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = Client(
            notebook,
            # errors only: each kernel would warn that it talks to this program unencrypted
            extra_arguments=["--log-level=40"],
            timeout=timeout,
            kernel_name="python3",
            resources={"metadata": {"path": elsewhere}},
        )
        asyncio.run(_execute(client, environment))
    return clean(notebook)


async def _execute(client: Client, environment: dict[str, str]) -> None:
    """Execute the client's notebook; Ctrl-C ends its kernel at once, whatever a cell does."""
    execution = asyncio.create_task(client.async_execute(env=environment))
    try:
        await asyncio.shield(execution)
    except asyncio.CancelledError:
        client.shutdown_kernel = "immediate"
        execution.cancel()
        await asyncio.gather(execution, return_exceptions=True)  # nbclient: its kernel has died
        if client.km is not None:  # still starting, when the client does not yet look after it
            await ensure_async(client.km.shutdown_kernel(now=True))
        raise


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what differs between two runs or machines.

    These are times of execution, the kernel's patch version, cells' ids, and the repository's path.
    """
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    root = re.escape(str(paths.ROOT)) + r"[/\\]?"
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("execution", None)
        cell.id = f"cell-{number:02d}"
        for output in cell.get("outputs", []):
            if "text" in output:
                output.text = re.sub(root, "", output.text)
    return notebook


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all, with the same bytes on every system."""
    files.write_text(path, nbformat.writes(notebook) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Run notebooks from a clean kernel, in place")
    names_help = "beginnings of the notebooks' names; all of them where none is given"
    parser.add_argument("names", nargs="*", help=names_help)
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
