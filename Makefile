# Every command is a thin call of a plain Python command, which the README lists for machines without make.
VENV ?= .venv
PYTHON ?= python3
space := $(subst ,, )
WHERE := $(subst $(space),\ ,$(VENV))
PY := $(WHERE)/bin/python
SHELL := /bin/sh

.DEFAULT_GOAL := help
.PHONY: help setup lab data run check types unit test lower-bounds lint notebooks bench readme app

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(WHERE)/installed: requirements.txt pyproject.toml
	@echo "Installing into $(VENV): torch and JupyterLab are large, this takes two to ten minutes, once."
	@test -x $(PY) || $(PYTHON) -m venv $(WHERE)
	@$(PY) -m pip install -q -r requirements.txt
	@touch "$@"

$(WHERE)/installed-dev: $(WHERE)/installed
	@echo "Installing what the tests need beside it."
	@$(PY) -m pip install -q -e ".[dev]"
	@touch "$@"

setup: $(WHERE)/installed  ## make .venv and install everything the notebooks need

lab: $(WHERE)/installed  ## the notebooks in JupyterLab
	$(PY) -m jupyter lab notebooks

data: $(WHERE)/installed  ## download the data sets, with checksums, or verify what is there
	$(PY) tools/data.py

run: $(WHERE)/installed  ## every notebook in the quick profile, and a page with what they show: runs/quick/index.html
	$(PY) tools/run.py

check: $(WHERE)/installed-dev  ## ruff, types and the quick unit tests, before every commit
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	@$(MAKE) --no-print-directory -j 2 types unit

types: $(WHERE)/installed-dev
	$(PY) -m basedpyright --pythonpath $(PY)

unit: $(WHERE)/installed-dev
	$(PY) -m pytest -m "not slow"

test: $(WHERE)/installed-dev  ## ruff, types, every test, every notebook once in the quick profile
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m basedpyright --pythonpath $(PY)
	$(PY) -m pytest

lower-bounds: $(WHERE)/installed-dev  ## the unit tests on the lowest releases that pyproject.toml allows (4 GB, by hand)
	$(PY) tools/lower_bounds.py

lint: $(WHERE)/installed-dev  ## ruff check and format, mending what it can, then types
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	$(PY) -m basedpyright --pythonpath $(PY)

notebooks: $(WHERE)/installed  ## every notebook in full, on real data: figures, results, then the README's tables
	$(PY) tools/notebooks.py
	$(PY) tools/readme.py

bench: $(WHERE)/installed-dev  ## speed, side by side with the plain way of doing the same
	$(PY) benchmarks/bench_corruptions.py
	$(PY) benchmarks/bench_training.py
	$(PY) benchmarks/bench_cam.py
	$(PY) benchmarks/bench_attacks.py
	$(PY) benchmarks/bench_sweep.py
	$(PY) benchmarks/bench_resampling.py
	$(PY) benchmarks/bench_auditors.py

app: $(WHERE)/installed  ## the demo in a browser: choose or send a digit, see whether it is right and whether it knows
	$(PY) -m streamlit run app/digits.py

readme: $(WHERE)/installed  ## the README's tables alone, from results/
	$(PY) tools/readme.py
