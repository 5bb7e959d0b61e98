# Two commands do everything on a machine with Python 3.11+ and make: `make serve` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: serve test test-long check format bench soak hostile clean

serve: $(VENV)/.installed
	$(BIN)/mockserver serve

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -n auto

test-long: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -m long

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.created:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mockserver needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip
	touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install -q -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install -q --group dev
	touch $@

$(VENV)/.installed-bench: $(VENV)/.installed-dev
	$(BIN)/python -m pip install -q --group bench
	touch $@

bench: $(VENV)/.installed-bench
	set -e; for name in sandboxes fixture documents engine instructions throughput; do $(BIN)/python -m benchmarks.$$name; done

soak: $(VENV)/.installed
	$(BIN)/python -m benchmarks.soak

hostile: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.hostile

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
