import subprocess
import sys

import colab
import nbformat
import pytest

from notebooks import find
from visionfail import paths

ADDRESS = "https://github.com/somebody/visionfail"


def example():
    return nbformat.read(paths.NOTEBOOKS / "08_train_primary.ipynb", as_version=4)


def test_badge_and_set_up_come_below_the_title_and_once():
    before = example()
    sources = [cell.source for cell in before.cells]
    first = colab.with_colab(example(), "08_train_primary.ipynb", repository=ADDRESS)
    twice = colab.with_colab(first, "08_train_primary.ipynb", repository=ADDRESS)
    after = [cell.source for cell in twice.cells]
    assert [after[0], *after[3:]] == sources
    assert "somebody/visionfail/blob/main/notebooks/08_train_primary.ipynb" in after[1]
    assert len({cell.id for cell in twice.cells}) == len(after)
    nbformat.validate(twice)


def test_the_set_up_cell_fetches_and_installs_in_colab_alone(monkeypatch):
    notebook = colab.with_colab(example(), "08_train_primary.ipynb", repository=ADDRESS)
    cell = notebook.cells[2].source
    assert all(len(line) <= 100 for line in cell.splitlines())
    calls = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: calls.append(command))
    exec(cell, {})
    assert calls == []
    monkeypatch.setitem(sys.modules, "google.colab", object())
    monkeypatch.setattr(sys, "path", list(sys.path))
    exec(cell, {})
    assert calls[0][-2:] == [ADDRESS, "visionfail"] and calls[1][-1] == "visionfail"
    assert sys.path[0] == "visionfail/src"


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("address", ["", "visionfail", "https://gitlab.com/somebody/visionfail"])
def test_an_address_that_colab_cannot_open_is_refused(address):
    with pytest.raises(ValueError, match="REPOSITORY"):
        colab.with_colab(example(), "08_train_primary.ipynb", repository=address)


def test_the_notebooks_say_the_address_where_there_is_one():
    for path in find():
        notebook = nbformat.read(path, as_version=4)
        tagged = [cell for cell in notebook.cells if colab.TAG in cell.metadata.get("tags", [])]
        assert len(tagged) == (2 if colab.REPOSITORY else 0), path.name
