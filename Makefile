# Few verbs: `make drill` runs the main job, `make test` passes the tests; both set everything up.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DR := $(BIN)/dr

.PHONY: help setup toolchain drill test lint bench down clean

help: ## Show the verbs
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	@echo "installing the pinned packages into $(VENV) (a minute or two)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	@touch $@

setup: $(VENV)/.ready ## Install the pinned packages

toolchain: setup ## Find or build the Pulumi engine (once for each user)
	@$(DR) sandbox toolchain >/dev/null

drill: setup ## The main job: two regions in the sandbox, provisioned, checked, reported
	@$(DR) sandbox up --reuse
	@eval "$$($(DR) sandbox env)" && dr provision --yes && dr check && dr status
	@echo 'the sandbox stays up: eval "$$($(DR) sandbox env)" to use it, make down to throw it away'

test: toolchain lint ## Lint, types, unit tests, and tests on the real engine
	$(BIN)/pytest --numprocesses 2 --dist loadfile

lint: setup ## Lint and types only
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: toolchain ## Measure speed and memory against a provider that does nothing
	$(BIN)/python -m bench

down: setup ## Throw the sandbox away
	@$(DR) sandbox down

clean: down ## Throw away the sandbox and the virtual environment
	rm -rf $(VENV)
