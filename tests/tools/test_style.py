import textwrap

import pytest
import style

CASES = [
    ("a, b = 1, 2", 1),
    ("a, b = f()", 0),
    ("a = 1; b = 2", 1),
    ("a = b | {'x': 1}", 1),
    ("a |= {'x': 1}", 1),
    ("a = b | c", 0),
    ("a = {**b, 'x': 1}", 1),
    ("a = [x for y in z for x in y]", 1),
    ("a = [[x for x in y] for y in z]", 1),
    ("a = [x for x in y]", 0),
    ("def f():\n    return *g(), 1", 1),
    ("def f():\n    return g(), 1", 0),
]


def counts_of(text):
    counts = style.Counts()
    style.count(style.Source("x.py", textwrap.dedent(text)), counts)
    return counts


@pytest.mark.parametrize(("text", "packed"), CASES)
def test_packed_statements_are_counted(text, packed):
    assert len(counts_of(text).packed) == packed


def test_fillers_long_lines_and_comments_are_counted():
    counts = counts_of(
        f"found = 1  # why\nfor one in range(3):\n    total = one\nx = {'1' * 120}\n"
    )
    assert [place.split(": ")[1] for place in counts.fillers] == ["found", "one"]
    assert (counts.assignments, counts.comments, len(counts.too_long)) == (4, 1, 1)
    assert counts.code_lines == 4


def test_names_that_two_modules_define_are_found():
    sources = [style.Source(name, "def load(): ...\ndef _x(): ...") for name in ("a.py", "b.py")]
    assert style.repeated_names(sources) == {"load": ["a.py", "b.py"]}
    assert style.repeated_names(sources[:1]) == {}
