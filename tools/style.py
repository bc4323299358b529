"""Measure how densely the code is written, and where.

python tools/style.py [--verbose] [--check] [PATH ...]     default: all of the repository

Packed statements: a tuple assigned to a tuple, a starred item in a return, two statements on a
line, a merge of dicts by | or **, and a comprehension inside another or with two loops. Filler
names: variables whose name is one of FILLERS and says nothing of what they hold.
"""

import argparse
import ast
import io
import json
import statistics
import sys
import tokenize
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AREAS = ("src", "app", "tools", "benchmarks", "notebooks", "tests")
FILLERS = frozenset(
    ["found", "one", "some", "said", "told", "kept", "made", "part", "given", "done", "seen", "known", "there", "taken", "mine", "own", "rest", "whole", "way"]
)
LONGEST_LINE = 100
MOST_PACKED = 1.0  # per 100 lines of code
MOST_FILLERS = 0.005  # of all assignments
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Source:
    """One file, or the code cells of a notebook: its text and its tree."""

    name: str
    text: str
    tree: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text)


@dataclass
class Counts:
    """What is counted in some files; places are "file:line: what"."""

    code_lines: int = 0
    comments: int = 0
    long_lines: int = 0
    lines: int = 0
    assignments: int = 0
    packed: list[str] = field(default_factory=list)
    fillers: list[str] = field(default_factory=list)
    too_long: list[str] = field(default_factory=list)
    function_lengths: list[int] = field(default_factory=list)
    documented: list[bool] = field(default_factory=list)


def read_sources(folder: Path) -> list[Source]:
    """Every Python file and notebook below a folder, or the one file itself."""
    files = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    sources = []
    for path in files:
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
        if path.suffix == ".py":
            sources.append(Source(name, path.read_text(encoding="utf-8")))
        elif path.suffix == ".ipynb":
            sources.append(Source(name, notebook_code(path)))
    return sources


def notebook_code(path: Path) -> str:
    """The code cells of a notebook one below another, magics left out."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = []
    for cell in cells:
        if cell["cell_type"] == "code":
            lines += "".join(cell["source"]).split("\n")
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


def is_packed(node: ast.AST) -> bool:
    """Whether a node packs several things into one statement."""
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        return any(isinstance(item, ast.Starred) for item in node.value.elts)
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.BitOr):
        sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.value,)
        return any(isinstance(side, ast.Dict | ast.DictComp) for side in sides)
    if isinstance(node, ast.Dict):
        return any(key is None for key in node.keys)
    return is_nested(node)


def is_nested(node: ast.AST) -> bool:
    """Whether a node is a comprehension with two loops or with another comprehension inside."""
    if not isinstance(node, COMPREHENSIONS):
        return False
    inner = [child for child in ast.walk(node) if isinstance(child, COMPREHENSIONS)]
    return len(node.generators) > 1 or len(inner) > 1


def bound_names(tree: ast.Module) -> list[tuple[str, int]]:
    """(name, line) of every variable that is assigned, loop variables among them."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append((node.id, node.lineno))
    return names


def count(source: Source, counts: Counts) -> None:
    """Add one file to the counts."""
    count_lines(source, counts)
    for node in ast.walk(source.tree):
        if is_packed(node):
            counts.packed.append(f"{source.name}:{node.lineno}: {ast.unparse(node)[:70]}")
        if isinstance(node, ast.FunctionDef):
            counts.function_lengths.append(node.end_lineno - node.lineno + 1)
            counts.documented.append(ast.get_docstring(node) is not None)
    names = bound_names(source.tree)
    counts.assignments += len(names)
    for name, line in names:
        if name in FILLERS:
            counts.fillers.append(f"{source.name}:{line}: {name}")


def count_lines(source: Source, counts: Counts) -> None:
    """Lines, code lines, comments, statements that share a line, and lines that are too long."""
    code_lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            counts.comments += 1
        elif token.type == tokenize.OP and token.string == ";":
            counts.packed.append(f"{source.name}:{token.start[0]}: ;")
        elif token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER):
            code_lines.add(token.start[0])
    counts.code_lines += len(code_lines)
    for number, line in enumerate(source.text.split("\n"), start=1):
        counts.lines += bool(line.strip())
        if len(line) > LONGEST_LINE:
            counts.too_long.append(f"{source.name}:{number}: {len(line)} columns")


def repeated_names(sources: list[Source]) -> dict[str, list[str]]:
    """{public name: modules} of functions and classes that several modules define."""
    modules = defaultdict(list)
    for source in sources:
        for node in source.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
                modules[node.name].append(source.name)
    return {name: places for name, places in modules.items() if len(places) > 1}


def row(name: str, counts: Counts) -> str:
    """One line of the table."""
    packed = 100 * len(counts.packed) / max(1, counts.code_lines)
    fillers = 100 * len(counts.fillers) / max(1, counts.assignments)
    too_long = 100 * len(counts.too_long) / max(1, counts.lines)
    comments = 100 * counts.comments / max(1, counts.code_lines)
    documented = 100 * sum(counts.documented) / max(1, len(counts.documented))
    lengths = sorted(counts.function_lengths) or [0]
    longest = lengths[int(0.95 * (len(lengths) - 1))]
    return (
        f"{name:12} {counts.code_lines:6} {packed:7.2f} {fillers:8.2f}% {too_long:6.2f}% "
        f"{comments:9.1f} {documented:6.0f}% {statistics.median(lengths):6.0f} {longest:5}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="*", type=Path, help="files or folders; default: all")
    parser.add_argument("--verbose", action="store_true", help="name every place")
    parser.add_argument("--check", action="store_true", help="fail where a limit is passed")
    arguments = parser.parse_args()
    print("area           code  packed  fillers   long  comments  docs  median  95%")
    total = Counts()
    for folder in arguments.paths or [ROOT / area for area in AREAS]:
        counts = Counts()
        for source in read_sources(folder.resolve()):
            count(source, counts)
            if folder.name != "tests":
                count(source, total)
        print(row(folder.name, counts))
        if arguments.verbose:
            print("\n".join(counts.packed + counts.fillers + counts.too_long))
    print(row("all but tests", total))
    repeated = repeated_names(read_sources(ROOT / "src"))
    print(f"public names that several modules define: {len(repeated)}", *sorted(repeated))
    return 1 if arguments.check and not within_limits(total, repeated) else 0


def within_limits(counts: Counts, repeated: dict[str, list[str]]) -> bool:
    """Whether packed statements, fillers, long lines and repeated names stay within the limits."""
    packed = 100 * len(counts.packed) / max(1, counts.code_lines)
    fillers = len(counts.fillers) / max(1, counts.assignments)
    return (
        packed <= MOST_PACKED and fillers <= MOST_FILLERS and not counts.too_long and not repeated
    )


if __name__ == "__main__":
    sys.exit(main())
