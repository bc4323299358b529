"""Run every notebook in the quick profile and collect what they show in runs/quick/index.html.

python tools/run.py
"""

import html
import shutil
import sys
import time
from pathlib import Path

import pandas as pd
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

from notebooks import execute, find, write
from visionfail import evaluation, files, profiles

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>visionfail, quick profile</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; }} img {{ max-width: 100%; }}
td, th {{ padding: .2rem .8rem; border-bottom: 1px solid #ccc; text-align: left; }}</style></head><body>
<h1>visionfail</h1>
<h2>The findings</h2><p>Recomputed just now from the committed answers of the reference models.</p>{findings}
<h2>What just ran here</h2><p>Quick profile: few images, short training. Look at the column origin.</p>{here}
<h2>Notebooks</h2><ul>{notebooks}</ul>
<h2>Figures of this run</h2>{figures}</body></html>
"""


def run_notebooks(out: Path) -> list[tuple[str, float]]:
    """Execute each into <out>/notebooks as .ipynb and .html; returns names and seconds."""
    done = []
    for path in find():
        start = time.time()
        try:
            notebook = execute(path, profile="quick", timeout=900)
        except CellExecutionError as error:
            raise SystemExit(f"{path.name} stopped:\n{error}") from None
        write(notebook, out / "notebooks" / path.name)
        body, _ = HTMLExporter(embed_images=True).from_notebook_node(notebook)
        with files.atomic_write(out / "notebooks" / f"{path.stem}.html") as part:
            part.write_text(body, encoding="utf-8")
        done.append((path.stem, time.time() - start))
        print(f"{path.stem}: {done[-1][1]:.0f} s", flush=True)
    return done


def page(
    out: Path, done: list[tuple[str, float]], committed: pd.DataFrame, here: pd.DataFrame
) -> None:
    items = "".join(
        f'<li><a href="notebooks/{name}.html">{name}</a> ({seconds:.0f} s)</li>'
        for name, seconds in done
    )
    pictures = sorted((out / "figures").glob("*.png"))
    figures = "".join(
        f'<h3>{html.escape(p.stem)}</h3><img src="figures/{p.name}" alt="{p.stem}">'
        for p in pictures
    )
    tables = {
        "findings": committed.to_html(index=False, border=0),
        "here": here.to_html(index=False, border=0),
    }
    with files.atomic_write(out / "index.html") as part:
        part.write_text(PAGE.format(notebooks=items, figures=figures, **tables), encoding="utf-8")


def main() -> None:
    sys.stdout.reconfigure(encoding="utf-8")
    out = profiles.QUICK.out
    shutil.rmtree(out, ignore_errors=True)  # nothing here may come from another day's code or data
    done = run_notebooks(out)
    committed, here = (
        evaluation.stored_overview(profiles.FULL.results),
        evaluation.stored_overview(profiles.QUICK.results),
    )
    page(out, sorted(done), committed, here)
    print("\nThe findings, recomputed from the committed answers of the reference models:\n")
    print(committed.to_string(index=False) if len(committed) else "none committed yet")
    print(
        "\nWhat just ran here (look at origin: a stand-in or a subset shows the way, not the result):\n"
    )
    print(here.to_string(index=False))
    print(f"\nEverything in pictures: {out / 'index.html'}")


if __name__ == "__main__":
    main()
