"""Run every notebook in the quick profile and collect what they show in runs/quick/index.html.

python tools/run.py
"""

import html
import importlib
import io
import shutil
import sys
import time
from pathlib import Path

import pandas as pd
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

from visionfail import evaluation, files, findings, profiles

# tools/notebooks.py, by name: to a type checker `import notebooks` is the folder of notebooks
notebooks = importlib.import_module("notebooks")

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>visionfail, quick profile</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; }}
body {{ padding: 0 1rem; }}
table {{ border-collapse: collapse; }} img {{ max-width: 100%; }}
td, th {{ padding: .2rem .8rem; border-bottom: 1px solid #ccc; text-align: left; }}
</style></head><body>
<h1>visionfail</h1>
<h2>What was found</h2><ul>{sentences}</ul>
<p>By network, recomputed just now from the committed answers of the reference models.</p>{findings}
<h2>What just ran here</h2>
<p>Quick profile: few images, short training. Look at the column origin.</p>{here}
<h2>Notebooks</h2><ul>{notebooks}</ul>
<h2>Figures of this run</h2>{figures}</body></html>
"""


def run_notebooks(out: Path) -> dict[str, float]:
    """{name: seconds} of every notebook, executed into <out>/notebooks as .ipynb and .html."""
    seconds = {}
    for path in notebooks.find():
        start = time.time()
        try:
            notebook = notebooks.execute(path, profile="quick", timeout=900)
        except CellExecutionError as error:
            raise SystemExit(f"{path.name} stopped:\n{error}") from None
        notebooks.write(notebook, out / "notebooks" / path.name)
        body, _ = HTMLExporter(embed_images=True).from_notebook_node(notebook)
        files.write_text(out / "notebooks" / f"{path.stem}.html", body)
        seconds[path.stem] = time.time() - start
        print(f"{path.stem}: {seconds[path.stem]:.0f} s", flush=True)
    return seconds


def write_page(
    out: Path, seconds: dict[str, float], committed: pd.DataFrame, here: pd.DataFrame
) -> None:
    """Write <out>/index.html: findings, this run's numbers, its notebooks and figures."""
    items = []
    for name in sorted(seconds):
        items.append(f'<li><a href="notebooks/{name}.html">{name}</a> ({seconds[name]:.0f} s)</li>')
    sentences = []
    for sentence in findings.main_sentences(profiles.FULL.results):
        heading, text = sentence.removeprefix("**").split("**", 1)
        sentences.append(f"<li><b>{heading}</b>{text}</li>")
    figures = []
    for path in sorted((out / "figures").glob("*.png")):
        heading = f"<h3>{html.escape(path.stem)}</h3>"
        figures.append(f'{heading}<img src="figures/{path.name}" alt="{path.stem}">')
    page = PAGE.format(
        sentences="".join(sentences),
        findings=committed.to_html(index=False, border=0),
        here=here.to_html(index=False, border=0),
        notebooks="".join(items),
        figures="".join(figures),
    )
    files.write_text(out / "index.html", page)


def main() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):  # not where it is captured
        sys.stdout.reconfigure(encoding="utf-8")
    out = profiles.QUICK.out
    print("Every notebook in the quick profile, about eight minutes on two CPU cores:", flush=True)
    try:
        files.check_writable(out, remedy="name another folder in VISIONFAIL_RUNS")
    except PermissionError as error:
        raise SystemExit(str(error)) from None
    shutil.rmtree(out, ignore_errors=True)  # nothing here may come from another day's code or data
    seconds = run_notebooks(out)
    committed = evaluation.stored_overview(profiles.FULL.results)
    here = evaluation.stored_overview(profiles.QUICK.results)
    write_page(out, seconds, committed, here)
    print("\nThe findings, recomputed from the committed answers of the reference models:\n")
    print(committed.to_string(index=False) if len(committed) else "none committed yet")
    print("\nWhat just ran here (origin: a stand-in or a subset shows the way, not the result):\n")
    print(here.to_string(index=False))
    print(f"\nEverything in pictures: {out / 'index.html'}")


if __name__ == "__main__":
    main()
