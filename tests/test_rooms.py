"""Imports go downward only: a room knows the rooms before it in this list, and no other."""

import ast

import pytest

from visionfail import paths

ORDER = [
    ["files", "devices", "names"],
    ["paths"],
    ["profiles"],
    ["metrics", "corruptions"],
    ["data"],
    ["results", "claims", "figures"],
    ["models"],
    ["attacks", "explain", "evaluation", "failure"],
    ["studies.run", "studies.stored"],
    [
        "studies.degradation",
        "studies.saliency",
        "studies.uneven",
        "studies.auditing",
        "studies.transfer",
        "risk",
    ],
    ["report"],
    ["findings"],
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
KNOW_PATHS = {"profiles", "data", "results", "studies", "report", "models.zoo"}
PACKAGE = paths.ROOT / "src" / "visionfail"
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent.name != "visionfail"]
MODULES += [path for path in sorted(PACKAGE.glob("*.py")) if path.stem != "__init__"]


def name_of(path):
    """metrics.intervals for src/visionfail/metrics/intervals.py."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room_of(module):
    first, *rest = module.split(".")
    return ".".join([first, *rest[:1]]) if first == "studies" else first


def imported(path):
    """The modules of the package that a file imports, as names below visionfail."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "visionfail":
            below = node.module.removeprefix("visionfail").lstrip(".")
            if below in ("", "studies"):
                yield from (f"{below}.{alias.name}".lstrip(".") for alias in node.names)
            else:
                yield below


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_downward(path):
    module = name_of(path)
    room = room_of(module)
    if module == "studies":
        return
    others = {room_of(name) for name in imported(path)} - {room}
    upward = [other for other in others if LEVEL[other] >= LEVEL[room]]
    assert not upward, f"{module} imports {upward}, which come after {room} or beside it"
    if "paths" in others:
        assert module in KNOW_PATHS or room.split(".")[0] in KNOW_PATHS, f"{module} knows paths"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_package_knows_no_notebook_by_its_number(path):
    text = path.read_text(encoding="utf-8")
    literals = [
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    numbered = [word for word in literals if word.startswith("notebook ") and word[9:].isdigit()]
    assert numbered == []
