# Everything a contributor or a machine runs. Needs python3.11 (or newer) with venv, make and git.
#
#   make demo     three made-up weeks on the local exchange, offline
#   make test     the test-suite, with coverage limits
#   make check    style, types, layers, documents
#   make conformance-paper   the wire's checks against Alpaca's paper account, or URL=http://127.0.0.1:PORT;
#                 keys in APCA_API_KEY_ID and APCA_API_SECRET_KEY, the checks' file in QUANTCLI_CONFORMANCE
#   make bench    start-up and throughput against this machine's own yardsticks
#   make docs     rewrite the generated pages
#   make lock     resolve requirements.lock again (needs a package index)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo test check conformance-paper bench docs lock clean

# The first interpreter that really starts and is new enough: a name on the path may be an empty shim.
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3; do \
	  "$$each" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	    && { echo "$$each"; break; }; done)
# Two workers suit the smallest machine this must run on; raise it on a larger one.
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

help:
	@sed -n 's/^#   make/  make/p' Makefile

# The environment comes from the lock alone and is made anew when the lock changes; the desk
# itself is linked in a second step, repeated when pyproject.toml (its scripts) changes.
$(VENV)/locked.stamp: requirements.lock
	@test -n "$(PYTHON)" || { echo "no python3.11 or newer with venv found" >&2; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --no-deps --require-hashes -r requirements.lock
	@touch $@

$(VENV)/linked.stamp: $(VENV)/locked.stamp pyproject.toml
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# An editable install compiles nothing, and a machine may be told not to keep what it compiles:
# without this every command would compile the desk anew.
venv: $(VENV)/linked.stamp
	@$(BIN)/python -m compileall -q quantcli

demo: venv
	$(BIN)/quantcli demo

# One run measures branches everywhere; the two rooms where money is decided have their own floor.
test: venv
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=
	$(BIN)/coverage report --include='quantcli/contracts/*' --skip-covered --fail-under=95
	$(BIN)/coverage report --include='quantcli/core/*' --skip-covered --fail-under=95

check: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict quantcli
	$(BIN)/lint-imports
	$(BIN)/python -m tests.docs.generate --check
	$(BIN)/python -m tests.docs.required

# Never in CI: it sends orders to the account whose keys it is given. Refuses the live host.
URL ?= https://paper-api.alpaca.markets
conformance-paper: venv
	$(BIN)/python -m tests.exchange.conformance_paper --url '$(URL)'

bench: venv
	$(BIN)/python -m tests.bench.bench

docs: venv
	$(BIN)/python -m tests.docs.generate

# Run with no pip configuration of this machine: a lock must hold no address but the code's.
lock: venv
	env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null \
	  $(BIN)/pip-compile --quiet --extra dev --generate-hashes --strip-extras --allow-unsafe \
	  --no-header --annotation-style line --no-emit-index-url --no-emit-trusted-host \
	  --no-emit-find-links --no-emit-options --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
