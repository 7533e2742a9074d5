# The menu: run, ask, test, check, bench, format.
# Nothing has to be installed by hand: the first target makes .venv, with uv in it if the machine has none.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null || echo $(BIN)/uv)
# The machine's own Python is used, never a downloaded one.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(VENV)

.PHONY: run ask test check bench format clean
.DEFAULT_GOAL := help

help:
	@echo "make run     start the bot: in Slack if .env has its tokens, else in an embedded workspace"
	@echo 'make ask     answer one question here: make ask Q="What time is it in Tokyo?"'
	@echo "make test    run the tests"
	@echo "make check   format, lint, types, import direction"
	@echo "make bench   the benchmarks"

run: $(VENV)/.installed
	@$(BIN)/threadloop run

# Through the environment, as it is: a question may hold what the shell takes for its own.
ask: export QUESTION = $(value Q)
ask: $(VENV)/.installed
	@$(BIN)/threadloop ask "$$QUESTION"

test: $(VENV)/.installed-dev
	$(BIN)/pytest -n 3 --dist loadfile

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	PYTHONPATH=tests $(BIN)/python -m benchmarks

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Threadloop needs Python 3.11 or newer: make run PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(BIN)/uv: | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.installed: uv.lock pyproject.toml | $(VENV)/bin/python $(UV)
	$(UV) sync --quiet --frozen --no-dev --inexact
	@touch $@

$(VENV)/.installed-dev: uv.lock pyproject.toml | $(VENV)/bin/python $(UV)
	$(UV) sync --quiet --frozen --inexact
	@touch $@ $(VENV)/.installed
