"""Run the unit tests on the lowest releases that pyproject.toml allows.

python tools/lower_bounds.py [--folder FOLDER] [--keep NAME ...] [--tests PYTEST ARGUMENTS]

Makes a virtual environment in FOLDER (else in a temporary one, which is removed), installs into it
the lowest release of every dependency and extra that has a wheel for this Python, prints the
releases, and runs pytest there. What --keep names is installed as pip chooses: torch with its CUDA
libraries is 4 GB. By hand, before a bound is changed and now and then; exits as pytest does.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[1]
UNIT_TESTS = ("-m", "not slow")


def required(project: dict) -> dict[str, Requirement]:
    """{name: requirement} of the dependencies and every extra; twice named, both bounds hold."""
    lines = list(project["dependencies"])
    for extra in project.get("optional-dependencies", {}).values():
        lines += extra
    requirements: dict[str, Requirement] = {}
    for line in lines:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name in requirements:
            requirements[name].specifier &= requirement.specifier
        else:
            requirements[name] = requirement
    return requirements


def listed(printed: str) -> list[Version]:
    """The releases that `pip index versions` has printed, none where it found none."""
    versions = []
    for line in printed.splitlines():
        if line.startswith("Available versions:"):
            for word in line.partition(":")[2].split(","):
                with contextlib.suppress(InvalidVersion):  # of before there were rules, as "0.8v2"
                    versions.append(Version(word))
    return versions


def releases(name: str) -> list[Version]:
    """The releases with a wheel for this Python; where none has one, those that pip would build."""
    command = [sys.executable, "-m", "pip", "index", "versions", name]
    for options in (["--only-binary=:all:"], []):
        asked = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        versions = listed(asked.stdout)
        if versions:
            return versions
    raise ValueError(f"pip finds no release of {name} for this Python: name it after --keep.")


def lowest(requirement: Requirement, versions: Iterable[Version]) -> Version:
    """The lowest of the releases that a requirement allows, ValueError where it allows none."""
    allowed = list(requirement.specifier.filter(versions))
    if not allowed:
        raise ValueError(f"no release for this Python fits {requirement}: lower its bound.")
    return min(allowed)


def bound(requirement: Requirement) -> Version:
    """The highest of a requirement's lower bounds, ValueError where it has none."""
    bounds = []
    for specifier in requirement.specifier:
        if specifier.operator == ">=":
            bounds.append(Version(specifier.version))
    if not bounds:
        raise ValueError(f"{requirement} has no lower bound: write {requirement.name}>=...")
    return max(bounds)


def pinned(requirements: dict[str, Requirement], *, keep: Iterable[str]) -> list[str]:
    """A pin for each requirement that is not kept, printed beside its bound."""
    free = {canonicalize_name(name) for name in keep}
    pins = []
    for name, requirement in requirements.items():
        if name in free:
            continue
        version = lowest(requirement, releases(name))
        missing = bound(requirement)
        remark = "" if version == missing else f"   no {missing} for this Python"
        print(f"{requirement!s:32} {version}{remark}", flush=True)
        pins.append(f"{name}=={version}")
    return pins


def install(folder: Path, pins: list[str], extras: Iterable[str]) -> Path:
    """The Python of a new environment that holds the pins and this checkout with its extras."""
    venv.create(folder, with_pip=True, clear=True)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    checkout = f"{ROOT}[{','.join(extras)}]"
    command = [str(python), "-m", "pip", "install", "-q", "-e", checkout, *pins]
    subprocess.run(command, check=True)
    return python


def run(folder: Path, *, keep: Iterable[str], tests: Iterable[str]) -> int:
    """pytest's exit status in a new environment with the lowest releases."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = pinned(required(project), keep=keep)
    python = install(folder, pins, project.get("optional-dependencies", {}))
    subprocess.run([str(python), "-m", "pip", "freeze", "--exclude-editable"], check=True)
    return subprocess.run([str(python), "-m", "pytest", *tests], cwd=ROOT, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, help="of the environment, which stays there")
    parser.add_argument("--keep", nargs="+", default=[], metavar="NAME", help="not at its lowest")
    parser.add_argument(
        "--tests", nargs=argparse.REMAINDER, default=UNIT_TESTS, help="for pytest, at the end"
    )
    options = parser.parse_args()
    if options.folder:
        return run(options.folder, keep=options.keep, tests=options.tests)
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder), keep=options.keep, tests=options.tests)


if __name__ == "__main__":
    sys.exit(main())
