"""What tools/lower_bounds.py reads and chooses; it installs nothing here."""

import tomllib

import lower_bounds
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from visionfail import paths

PROJECT = {
    "dependencies": ["numpy>=1.26", "scikit_learn>=1.4"],
    "optional-dependencies": {"app": ["onnx>=1.17"], "dev": ["onnx>=1.18", "pytest>=8"]},
}
PRINTED = """WARNING: pip index is currently an experimental command.
foolbox (3.3.4)
Available versions: 3.3.4, 3.3.3, 0.8.0v2, 0.3.1
  INSTALLED: 3.3.4
"""


def versions(*words):
    return [Version(word) for word in words]


def test_dependencies_and_extras_are_read_and_both_bounds_of_one_hold():
    requirements = lower_bounds.required(PROJECT)
    assert list(requirements) == ["numpy", "scikit-learn", "onnx", "pytest"]
    assert lower_bounds.bound(requirements["onnx"]) == Version("1.18")


def test_every_bound_of_this_project_is_read():
    text = (paths.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    requirements = lower_bounds.required(tomllib.loads(text)["project"])
    assert {"torch", "pandas", "streamlit", "jupyterlab", "mapie"} <= set(requirements)
    assert all(lower_bounds.bound(requirement) for requirement in requirements.values())


def test_releases_are_those_that_pip_lists():
    assert lower_bounds.listed(PRINTED) == versions("3.3.4", "3.3.3", "0.3.1")
    assert lower_bounds.listed("ERROR: No matching distribution found") == []


@pytest.mark.parametrize(
    ("requirement", "lowest"),
    [
        ("a>=1.11", "1.11.1"),
        ("a>=1.9", "1.9"),
        ("a>=1.9,!=1.9", "1.10.2"),
        ("a", "1.9"),
        ("a>=2", "2.0"),
    ],
)
def test_the_lowest_release_that_is_allowed_is_taken(requirement, lowest):
    releases = versions("2.1", "2.0", "2.0rc1", "1.11.1", "1.11.1rc2", "1.10.2", "1.9")
    assert lower_bounds.lowest(Requirement(requirement), releases) == Version(lowest)


@pytest.mark.fault("bad arguments")
def test_no_release_and_no_bound_are_told():
    with pytest.raises(ValueError, match=r"no release .* fits a>=3: lower its bound"):
        lower_bounds.lowest(Requirement("a>=3"), versions("2.0"))
    with pytest.raises(ValueError, match=r"a<3 has no lower bound"):
        lower_bounds.bound(Requirement("a<3"))


def test_pins_say_where_the_bound_itself_is_not_there(monkeypatch, capsys):
    there = {"numpy": "1.26 1.27", "scikit-learn": "1.4.2 1.5", "onnx": "1.18"}
    monkeypatch.setattr(lower_bounds, "releases", lambda name: versions(*there[name].split()))
    pins = lower_bounds.pinned(lower_bounds.required(PROJECT), keep=["PyTest"])
    assert pins == ["numpy==1.26", "scikit-learn==1.4.2", "onnx==1.18"]
    lines = capsys.readouterr().out.splitlines()
    assert "1.26" in lines[0] and "no" not in lines[0].split()
    assert lines[1].endswith("1.4.2   no 1.4 for this Python")
