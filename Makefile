# Each target sets up what it needs: a machine with Python 3.11 or newer and make is enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: sweep test test-slow test-cluster lint bench clean

sweep: $(VENV)/.run  ## run the main job on the built-in sample
	$(BIN)/softsweep run sample

test: $(VENV)/.dev  ## the usual tests
	$(BIN)/python -m pytest -m "not slow and not cluster" -n auto --dist loadfile

test-slow: $(VENV)/.dev  ## tests with real processes, and long ones
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile

test-cluster: $(VENV)/.dev  ## `ray up` for real, on machines in namespaces (root, iproute2, sshd, rsync)
	$(BIN)/python -m pytest -m cluster

lint: $(VENV)/.dev  ## style, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev  ## the measured claims, as tables; DATA=DIR adds those on the real corpora
	$(BIN)/python -m benchmarks --write benchmarks/RESULTS.md $(if $(DATA),--data "$(DATA)")

clean:  ## remove the environment and what tools cached
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "softsweep needs Python 3.11 or newer; set PYTHON=python3.11, say"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing softsweep into $(VENV) (about 1 GB, a few minutes)"
	$(PIP) install -e . -c constraints.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(PIP) install -e ".[dev]" -c constraints.txt
	@touch $@
