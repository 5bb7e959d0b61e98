# Two commands do everything on a machine with Python 3.11+ and make: `make serve` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ENGINE ?= docker
COMPILE = $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock"

.PHONY: serve quick test test-long check docs versions format lock audit packages release image bench reliability soak hostile clean

serve: $(VENV)/.installed
	$(BIN)/mockserver serve

# In half a minute: all but the tests that start processes or need the vendors' clients.
quick: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -n auto -m 'not slow and not long'

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -n auto

test-long: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -m long

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/deptry mockserver
	$(BIN)/python docs/tables.py --check
	$(BIN)/python -m pytest -q tests/test_layers.py

# The documentation site, in build/docs/site: open index.html, no server is needed. A broken link is an error.
docs: $(VENV)/.installed-docs
	$(BIN)/python docs/site.py

# The lowest dependencies that are declared, and every Python that is declared, as far as it is here.
versions: $(VENV)/.installed-lock
	UV=$(BIN)/uv .ci/versions

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.installed-lock
	$(COMPILE) --upgrade --extra redis -o requirements.lock pyproject.toml
	$(COMPILE) --upgrade -o requirements-build.lock --group build

audit: $(VENV)/.installed-lock
	$(BIN)/python .ci/audit.py requirements.lock requirements-build.lock

# The wheel and the sdist, installed on every Python that is here, and by uvx, pipx and pre-commit.
packages: $(VENV)/.installed-packages
	$(BIN)/python -m pytest -q -m long -rs tests/test_packages.py tests/test_completion.py

# A dry run of a release: `make release VERSION=0.2.0`. See .ci/release.py for the real one.
release: $(VENV)/.installed-packages
	$(BIN)/python .ci/release.py $(VERSION)

image:
	$(ENGINE) build -t mockserver .

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

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/python -m pip install -q --group docs
	touch $@

$(VENV)/.installed-lock: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install -q --group lock
	touch $@

$(VENV)/.installed-packages: $(VENV)/.installed-dev
	$(BIN)/python -m pip install -q --group packages
	touch $@

$(VENV)/.installed-bench: $(VENV)/.installed-dev
	$(BIN)/python -m pip install -q --group bench
	touch $@

bench: $(VENV)/.installed-bench
	set -e; for name in sandboxes fixture start documents engine instructions throughput; do $(BIN)/python -m benchmarks.$$name; done

reliability: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.reliability

soak: $(VENV)/.installed
	$(BIN)/python -m benchmarks.soak

hostile: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.hostile

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
