"""Whole files and notebooks through tools/style.py; statements are in tests/tools/test_style.py."""

import json

import pytest
import style

SHORT = 'def load():\n    """Nothing."""\n'


def counts_of(text):
    counts = style.Counts()
    style.count(style.Source("x.py", text), counts)
    return counts


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("plt.show();", 0),
        ("a = 1; b = 2; c = 3", 2),
        ("x = a, b", 0),
        ("x, y = z = a, b", 1),
        ("x = {1} | {2}", 0),
        ("x = a | {k: k for k in b}", 1),
        ("f(**a)", 0),
        ("x = {**a, 'b': 1}", 1),
        ("x = [sum(i for i in j) for j in k]", 1),
        ("x = [i for i in [j for j in k]]", 1),
        ("x = [f([i for i in j]), [i for i in j]]", 0),
    ],
)
def test_packed_statements(text, packed):
    assert len(counts_of(text).packed) == packed


def test_every_way_of_binding_a_filler_counts():
    text = (
        "with f() as found:\n    pass\n"
        "if (one := 1):\n    pass\n"
        "rest = [part for part in one]\n"
        "for known, value in rest:\n    pass\n"
    )
    counts = counts_of(text)
    fillers = sorted(place.split(": ")[1] for place in counts.fillers)
    assert fillers == ["found", "known", "one", "part", "rest"]
    assert counts.fillers_percent == pytest.approx(100 * 5 / 6)
    assert not counts_of("def f(found):\n    return f(one=found)").fillers


def test_docstrings_and_comments_are_no_code():
    counts = counts_of('"""Two\nlines."""\n# why\nx = """three\nlines\nof text"""\n' + SHORT)
    assert (counts.code_lines, counts.comments, counts.lines) == (4, 1, 8)
    assert (counts.function_lengths, counts.documented) == ([2], [True])


def test_cells_lose_their_magics_and_keep_their_lines():
    cells = [
        {"cell_type": "markdown", "source": ["found = 1"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!ls\n", "a, found = 1, 2"]},
        {"cell_type": "code", "source": ["%%bash\n", "ls | wc"]},
        {"cell_type": "code", "source": ["x = (\n", "    7\n", "    % 2\n", ")"]},
    ]
    sources = style.notebook_cells("n.ipynb", json.dumps({"cells": cells}))
    counts = style.Counts()
    for source in sources:
        style.count(source, counts)
    assert [source.name for source in sources] == ["n.ipynb[1]", "n.ipynb[3]"]
    assert counts.packed == ["n.ipynb[1]:3: a, found = (1, 2)"]
    assert counts.fillers == ["n.ipynb[1]:3: found"]
    assert (counts.code_lines, counts.module_lengths) == (5, [])


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose rooms a and b both define load; a's __init__ imports it."""
    monkeypatch.setattr(style, "ROOT", tmp_path)
    for area in (*style.AREAS, "src/visionfail/a", "src/visionfail/b"):
        (tmp_path / area).mkdir(parents=True, exist_ok=True)
    (tmp_path / "src/visionfail/a/__init__.py").write_text("from visionfail.a.files import load\n")
    for room in "ab":
        (tmp_path / f"src/visionfail/{room}/files.py").write_text(SHORT + "class _Both: ...\n")
    (tmp_path / "tests/test_x.py").write_text("found = 1; one = 2\n")
    return tmp_path


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["style.py", *map(str, arguments)])
    return style.main()


def test_check_fails_on_a_repeated_name_and_lists_its_modules(package, monkeypatch, capsys):
    assert run(monkeypatch, "--check") == 1
    printed = capsys.readouterr().out
    assert "load: src/visionfail/a/files.py, src/visionfail/b/files.py\n" in printed
    (package / "src/visionfail/b/files.py").write_text("class _Both: ...\n")
    assert run(monkeypatch, "--check") == 0  # the packed line and fillers are in tests


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a, b = 1, 2\n", "c.py:1: a, b = (1, 2)"),
        ("\nfound = 1\n", "c.py:2: found"),
        (f"x = '{'-' * 95}'\n", "c.py:1: 101 characters"),
    ],
)
def test_check_fails_on_each_limit_and_names_the_place(package, monkeypatch, capsys, text, place):
    path = package / "src/visionfail/c.py"
    path.write_text("x = 1\n")
    assert run(monkeypatch, "--check", path) == 0
    path.write_text(text)
    assert run(monkeypatch, "--check", path) == 1
    assert f"src/visionfail/{place}\n" in capsys.readouterr().out
