# Every target sets itself up: it needs make, Python 3.10 or newer and a package index, nothing else.
# Another interpreter: `make test PYTHON=/path/to/python3.12`. `make help` lists the targets.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
USABLE = $(firstword $(foreach name,$(1),$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $(name))))
PYTHON ?= $(call USABLE,python3 python3.13 python3.12 python3.11 python3.10 python)
# From Python 3.12 on, pyproject.toml asks for a newer tf-keras, and so for a newer TensorFlow.
OLDEST_PYTHON ?= $(or $(call USABLE,python3.10 python3.11 python3.12),$(PYTHON))
WORKERS ?= 2
DEMO := saved_models/demo
DEMO_USER := user_00007

# TensorFlow's remarks on the machine it finds; errors still show.
export TF_CPP_MIN_LOG_LEVEL ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo quick test pytest test-oldest bench-smoke cluster-demo robust notebooks docs docs-serve lint format build clean
.DELETE_ON_ERROR:

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed-plots ## Make up a catalogue, train, evaluate, export, draw, and ask the export from a process without this package.
	rm -rf $(DEMO)
	@echo; echo "== A made-up catalogue with a taxonomy, and users with tastes"
	$(BIN)/hyperml-tf synthesize $(DEMO)/interactions.csv --item-table $(DEMO)/items.csv
	@echo; echo "== Train, evaluate on held-out items, export"
	$(BIN)/hyperml-tf train $(DEMO)/interactions.csv --out $(DEMO)/run --items $(DEMO)/items.csv --detail title --detail category
	@echo; echo "== Ask the exported SavedModel, in a process that imports TensorFlow alone"
	$(BIN)/python examples/query_saved_model.py $(DEMO)/run/saved_model/1 --user $(DEMO_USER) --why
	@echo; echo "== Recommendations for everyone, with titles"
	$(BIN)/hyperml-tf recommend $(DEMO)/run --all-users --out $(DEMO)/recommendations.csv
	@echo; echo "== Write a page to explore the learned space"
	$(BIN)/hyperml-tf explore $(DEMO)/run --title "A made-up catalogue"
	@echo; echo "The learned space: $(DEMO)/run/disk.png, and, in a browser, $(DEMO)/run/explorer.html. SavedModel: $(DEMO)/run/saved_model/1"

# Files stay on one worker (loadfile), so that what a file prepares once is prepared once. TensorFlow's start-up messages, which
# pytest holds back until its end, would follow the closing line: standard error is shown only after a failure.
# $(1): the environment. $(2): options of pytest.
define run-pytest
@echo "$(1)/bin/pytest -n $(WORKERS) --dist loadfile $(2)"
@$(1)/bin/pytest -n $(WORKERS) --dist loadfile $(2) 2>$(1)/pytest.stderr \
	|| { status=$$?; cat $(1)/pytest.stderr >&2; exit $$status; }
endef

quick: lint ## While you work: lint, types, and a part of every kind of test.
	$(call run-pytest,$(VENV),--quick)

test: lint pytest ## Before a pull request: lint, types, and all tests. Ten to fifteen minutes on two cores.

pytest: $(VENV)/.installed-dev ## All tests, without lint and types.
	$(call run-pytest,$(VENV))

test-oldest: $(OLDEST)/.installed ## All tests with the oldest version of every dependency that pyproject.toml allows.
	$(call run-pytest,$(OLDEST))

bench-smoke: $(VENV)/.installed-benchmarks ## Every program in benchmarks/, at toy size, to see that it still runs.
	$(BIN)/pytest benchmarks

cluster-demo: $(VENV)/.installed-dev ## Train on a cluster of processes on this machine, kill a worker on the way, and ask the export.
	$(BIN)/python examples/cluster_demo.py build/cluster-demo

robust: $(VENV)/.installed-dev ## Kills, full disks, damaged files and broken tables, counted.
	$(BIN)/python benchmarks/robustness

notebooks: $(VENV)/.installed-dev ## Run the notebooks in examples/ as they are, and store their outputs in them.
	$(BIN)/python tests/notebooks.py examples/*.ipynb

docs: $(VENV)/.installed-docs ## The documentation site, in build/site.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "The site is in build/site: open build/site/index.html. Its search box needs a server: make docs-serve"

docs-serve: $(VENV)/.installed-docs ## The documentation site at http://127.0.0.1:8000, built again when a page changes.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

lint: $(VENV)/.installed-dev ## Ruff, mypy and the import contract.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## Let Ruff format the code and fix what it can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build: $(VENV)/.installed-dev ## The wheel and the source distribution, in dist/.
	rm -rf dist
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	$(BIN)/python -m build

clean: ## Remove both environments, the demo and what tools have left.
	rm -rf $(VENV) $(OLDEST) $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
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

$(VENV)/.installed-benchmarks: pyproject.toml | $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[benchmarks,dev]'
	@touch $@

$(VENV)/.installed-docs: pyproject.toml | $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,docs]'
	@touch $@

# `lowest-direct`: the lowest version of what pyproject.toml names, and what pip would take of everything else.
$(OLDEST)/.installed: pyproject.toml | $(OLDEST)/bin/python
	@echo "Installing into $(OLDEST); the first time this downloads TensorFlow."
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'
	$(OLDEST)/bin/uv pip install --quiet --python $(OLDEST)/bin/python --upgrade --resolution lowest-direct \
		--editable '.[benchmarks,dev]'
	@touch $@

$(BIN)/python:
	$(call make-venv,$(VENV),$(PYTHON),PYTHON)

$(OLDEST)/bin/python:
	$(call make-venv,$(OLDEST),$(OLDEST_PYTHON),OLDEST_PYTHON)

# Debian and Ubuntu ship Python without ensurepip. There `pip` or `virtualenv`, if the machine has one, makes up for it.
# $(1): the environment. $(2): the interpreter. $(3): the variable that names it.
define make-venv
@test -n "$(2)" || { echo "Python 3.10 or newer is needed, and none is on the PATH." \
	"Name one: make $(MAKECMDGOALS) $(3)=/path/to/python3" >&2; exit 1; }
@"$(2)" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$(3)=$(2) does not run," \
	"or is older than Python 3.10." >&2; exit 1; }
@if "$(2)" -c 'import ensurepip' 2>/dev/null; then "$(2)" -m venv $(1); \
elif "$(2)" -m virtualenv --version >/dev/null 2>&1; then "$(2)" -m virtualenv --quiet $(1); \
else "$(2)" -m venv --without-pip $(1) && \
	"$(2)" -m pip --python $(1)/bin/python install --quiet --disable-pip-version-check pip; fi \
|| { rm -rf $(1); echo "No virtual environment can be made with $(2): it has neither ensurepip, virtualenv" \
	"nor pip. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
endef
