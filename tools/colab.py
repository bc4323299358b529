"""Make every notebook open and run in Google Colab, once the repository has a public address.

python tools/colab.py     with REPOSITORY set: writes a badge and a set-up cell into each notebook
"""

import importlib

import nbformat

# tools/notebooks.py, by name: to a type checker `import notebooks` is the folder of notebooks
notebooks = importlib.import_module("notebooks")

REPOSITORY = ""  # such as https://github.com/OWNER/visionfail: the one place that holds it

BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({link})"
SETUP = """\
# In Google Colab: fetch the repository and install it. Elsewhere this cell does nothing.
import subprocess
import sys

if "google.colab" in sys.modules:
    address = "{repository}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", address, "visionfail"], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "-e", "visionfail"], check=True)
    sys.path.insert(0, "visionfail/src")  # what pip installs, this kernel sees only after a restart
"""
TAG = "colab"


def with_colab(
    notebook: nbformat.NotebookNode, name: str, *, repository: str
) -> nbformat.NotebookNode:
    """The notebook with a badge below its title and a set-up cell, in place of former ones.

    `name` is its file's name, `repository` the address of the repository; ValueError where that is
    not one on github.com, whose notebooks alone Colab opens by a link.
    """
    place = repository.removeprefix("https://github.com/")
    if place == repository or place.count("/") != 1:
        raise ValueError(
            f"{repository!r} is no address such as https://github.com/OWNER/visionfail: set "
            "REPOSITORY in tools/colab.py."
        )
    link = f"https://colab.research.google.com/github/{place}/blob/main/notebooks/{name}"
    badge = nbformat.v4.new_markdown_cell(BADGE.format(link=link), metadata={"tags": [TAG]})
    source = SETUP.format(repository=repository).rstrip()
    setup = nbformat.v4.new_code_cell(source, metadata={"tags": [TAG]})
    others = [cell for cell in notebook.cells if TAG not in cell.metadata.get("tags", [])]
    notebook.cells = [others[0], badge, setup, *others[1:]]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
    return notebook


def main() -> None:
    for path in notebooks.find():
        notebook = nbformat.read(path, as_version=4)
        notebooks.write(with_colab(notebook, path.name, repository=REPOSITORY), path)
        print(path.name)


if __name__ == "__main__":
    main()
