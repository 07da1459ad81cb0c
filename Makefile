# `make` prints what there is. Two commands need nothing but Python 3.11 and make: run and test.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
# The first Python here that is new enough; `make run PYTHON=/path/to/python` names another.
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)

# Tests that take long, or need what others publish, have their own targets.
QUICK := not deep and not contract
# PostgreSQL 15, the oldest that is supported.
POSTGRES_15 ?= /usr/lib/postgresql/15/bin
# The checks load the settings and reach no server.
PLACEHOLDERS := SECRET_KEY=checks DATABASE_URL=postgresql://checks@/checks REDIS_URL=redis://127.0.0.1:1/0
# Processes side by side, each with servers of its own; where an order matters, say -n 0. While one
# waits for its database another works; browsers leave no core idle.
CORES := $(shell getconf _NPROCESSORS_ONLN)
SIDE_BY_SIDE := -n $(shell expr $(CORES) + 1) --maxprocesses 4 --dist worksteal
BROWSERS := -n $(CORES) --maxprocesses 4 --dist worksteal
# For pytest, for manage.py, and for whatever else takes arguments: make test ARGS=tests/sync
ARGS ?=

.PHONY: help
help:  ## print this
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# --- to try it ------------------------------------------------------------------------------------

.PHONY: run
run: $(VENV)/.local  ## set everything up and run it, with a pretend Scalingo unless a token is given
	@exec $(PY) -m governance.local

.PHONY: manage
manage: $(VENV)/.local  ## a command of manage.py on the data of `make run`: make manage ARGS=sync
	@exec $(PY) -m governance.local manage $(ARGS)

.PHONY: shell
shell: $(VENV)/.local  ## Python, with the data of `make run`
	@exec $(PY) -m governance.local manage shell

.PHONY: emulator
emulator: $(VENV)/.local  ## the pretend Scalingo alone, on port 4000: make emulator ARGS='--company large'
	@exec $(PY) -m governance.emulator --port 4000 $(ARGS)

# --- tests ----------------------------------------------------------------------------------------

.PHONY: test
test: $(VENV)/.dev  ## set everything up and run all tests on servers of their own
	@$(PY) -m pytest $(SIDE_BY_SIDE) -m '$(QUICK) and not browser' --durations=15 $(ARGS); rest=$$?; \
	$(PY) -m pytest $(BROWSERS) -m '$(QUICK) and browser' --durations=5 $(ARGS); browsers=$$?; \
	case "$$rest $$browsers" in "0 0" | "0 5" | "5 0") ;; *) exit 1 ;; esac  # 5: none was asked for

.PHONY: test-browser
test-browser: $(VENV)/.dev  ## the journeys in Chromium alone
	@$(PY) -m pytest -m 'browser and $(QUICK)' $(ARGS)

.PHONY: screenshots
screenshots: $(VENV)/.dev  ## pictures of every page into var/screenshots, wide and narrow, light and dark
	@mkdir -p var/screenshots
	@SCREENSHOTS=var/screenshots $(PY) -m pytest -q tests/browser/test_screenshots.py $(ARGS)
	@echo "They are in var/screenshots."

.PHONY: test-contract
test-contract: $(VENV)/.dev  ## the pretend Scalingo against the official client of npm; needs node
	@$(PY) -m pytest -m contract $(ARGS)

.PHONY: deep
deep: $(VENV)/.dev  ## the long schedules, then all tests again on PostgreSQL 15
	@test -x $(POSTGRES_15)/initdb || { \
		echo "PostgreSQL 15 is not in $(POSTGRES_15): apt-get install postgresql-15, or name it in POSTGRES_15."; exit 1; }
	@$(PY) -m pytest $(SIDE_BY_SIDE) -m 'deep and not contract' --durations=15 $(ARGS)
	@POSTGRES_BIN=$(POSTGRES_15) $(PY) -m pytest $(SIDE_BY_SIDE) -m '$(QUICK) and not browser' $(ARGS)

.PHONY: chaos
chaos: $(VENV)/.dev  ## kill workers, broker and database while changes are told; 10,000 schedules: make chaos ARGS='--seed 1'
	@$(PY) -m tests.chaos.killing $(ARGS)
	@SCHEDULES=10000 $(PY) -m pytest tests/changes/test_schedules.py -k test_schedules_of_telling

.PHONY: cover
cover: $(VENV)/.dev  ## which lines and branches no test reaches
	@$(PY) -m pytest $(SIDE_BY_SIDE) -m '$(QUICK)' --cov --cov-report=term-missing:skip-covered $(ARGS)

# --- checks: they never edit; `fix` does ------------------------------------------------------------

.PHONY: check
check: lint types imports migrations templates  ## all of these

.PHONY: lint
lint: $(VENV)/.dev  ## ruff: mistakes and form
	@$(PY) -m ruff check --quiet . && $(PY) -m ruff format --check --quiet . && echo "lint: in order"

.PHONY: types
types: $(VENV)/.dev  ## mypy, strict
	@$(PLACEHOLDERS) $(PY) -m mypy

.PHONY: imports
imports: $(VENV)/.dev  ## floors: a package imports only from those below it
	@$(PY) -c 'from importlinter.cli import lint_imports; raise SystemExit(lint_imports())'

.PHONY: migrations
migrations: $(VENV)/.dev  ## every change of a model has its migration
	@$(PLACEHOLDERS) $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

.PHONY: templates
templates: $(VENV)/.dev  ## djade: the form of the templates
	@find templates governance -name '*.html' -exec $(VENV)/bin/djade --check --target-version 5.2 {} +
	@echo "templates: in order"

.PHONY: fix
fix: $(VENV)/.dev  ## let ruff and djade put right what they can
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format --quiet .
	@find templates governance -name '*.html' -exec $(VENV)/bin/djade --target-version 5.2 {} + || true

# --- figures --------------------------------------------------------------------------------------

.PHONY: bench
bench: $(VENV)/.dev  ## measure what docs/benchmarks.md claims; under 10 minutes: make bench ARGS=applying
	@$(PY) -m bench $(ARGS)

.PHONY: bench-large
bench-large: $(VENV)/.dev  ## the same with a million rows
	@$(PY) -m bench --large $(ARGS)

# --- what is installed ------------------------------------------------------------------------------

# One stamp per set of packages: nothing is installed again while its lock is the same.
$(VENV)/.local: requirements-local.lock requirements-uv.lock | $(PY)
	@test $(VENV)/.dev -nt requirements-dev.lock || .ci/install $(PY) requirements-local.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock requirements-uv.lock | $(PY)
	@.ci/install $(PY) requirements-dev.lock
	@touch $@

$(PY):
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or later is needed; name yours with PYTHON=/path/to/python3.'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'Python has no venv here. On Debian and Ubuntu: apt-get install python3-venv'; exit 1; }
	@echo '  Making $(VENV) with $(PYTHON)'
	@rm -f $(VENV)/.local $(VENV)/.dev
	@$(PYTHON) -m venv --clear $(VENV)

LOCK = $(PY) -m uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11
.PHONY: lock
lock: $(VENV)/.dev  ## write the locks again from pyproject.toml; make lock ARGS=--upgrade for newer versions
	@$(LOCK) $(ARGS) pyproject.toml -o requirements.lock
	@$(LOCK) $(ARGS) pyproject.toml --extra local -c requirements.lock -o requirements-local.lock
	@$(LOCK) $(ARGS) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
	@echo uv | $(LOCK) $(ARGS) - -o requirements-uv.lock
