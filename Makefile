# `make test` and `make demo` set themselves up: they need make, Python 3.10 or newer and a package index, nothing else.
# Another interpreter: `make test PYTHON=/path/to/python3.12`.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python3.10 python,\
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $(name))))
DEMO := saved_models/demo
DEMO_USER := user_00007

# TensorFlow's remarks on the machine it finds; errors still show.
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: demo test lint clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed-plots
	rm -rf $(DEMO)
	@echo; echo "== A made-up catalogue with a taxonomy, and users with tastes"
	$(BIN)/hyperml-tf synthesize $(DEMO)/interactions.csv --item-table $(DEMO)/items.csv
	@echo; echo "== Train, evaluate on held-out items, export"
	$(BIN)/hyperml-tf train $(DEMO)/interactions.csv --out $(DEMO)/run
	@echo; echo "== Ask the exported SavedModel, in a process that imports TensorFlow alone"
	$(BIN)/python examples/query_saved_model.py $(DEMO)/run/saved_model/1 --user $(DEMO_USER) \
		--interactions $(DEMO)/interactions.csv --items $(DEMO)/items.csv
	@echo; echo "Picture of the learned space: $(DEMO)/run/disk.png. SavedModel: $(DEMO)/run/saved_model/1"

# Files stay on one worker (loadfile), so that what a file prepares once is prepared once. TensorFlow's start-up messages, which
# pytest holds back until its end, would follow the closing line: standard error is shown only after a failure.
test: lint
	@echo "$(BIN)/pytest -n 2 --dist loadfile"
	@$(BIN)/pytest -n 2 --dist loadfile 2>$(VENV)/pytest.stderr \
		|| { status=$$?; cat $(VENV)/pytest.stderr >&2; exit $$status; }

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed-plots: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV); the first time this downloads TensorFlow."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[plots]'
	@touch $@

# The extra `dev` contains `plots`.
$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV); the first time this downloads TensorFlow."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed-plots

# Debian and Ubuntu ship Python without ensurepip. There `pip` or `virtualenv`, if the machine has one, makes up for it.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.10 or newer is needed, and none is on the PATH." \
		"Name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "PYTHON=$(PYTHON) does not run," \
		"or is older than Python 3.10." >&2; exit 1; }
	@if "$(PYTHON)" -c 'import ensurepip' 2>/dev/null; then "$(PYTHON)" -m venv $(VENV); \
	elif "$(PYTHON)" -m virtualenv --version >/dev/null 2>&1; then "$(PYTHON)" -m virtualenv --quiet $(VENV); \
	else "$(PYTHON)" -m venv --without-pip $(VENV) && \
		"$(PYTHON)" -m pip --python $(BIN)/python install --quiet --disable-pip-version-check pip; fi \
	|| { rm -rf $(VENV); echo "No virtual environment can be made with $(PYTHON): it has neither ensurepip, virtualenv" \
		"nor pip. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
