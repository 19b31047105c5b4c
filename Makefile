# Everything a developer types. GNU make 3.81 and bash 3.2 are enough. `make` alone lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo dev test check bench chaos format requirements clean

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
HOLDFAST := $(BIN)/python -m cli.main
# Extra words for the command of a target: make test ARGS="tests/unit -k window"
ARGS :=

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## Show the way of a message, live, then throw everything away
	@$(HOLDFAST) demo $(ARGS)

dev: $(INSTALLED) ## Run everything here until Ctrl-C; data stays in .data/dev
	@$(HOLDFAST) dev $(ARGS)

test: $(INSTALLED) ## Run the tests (real Postgres, real Temporal, the simulator)
	@$(HOLDFAST) temporal-cli
	@$(BIN)/pytest -q -n 2 --dist loadgroup $(ARGS)

check: $(INSTALLED) ## Lint, types, import rules, links in the docs
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy .
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q tests/docs/test_links.py

bench: $(INSTALLED) ## Measure acks, exchanges and sends; figures in .data/bench.json
	@$(HOLDFAST) bench $(ARGS)

# One test at a time: what is measured shares the machine with nothing else.
chaos: $(INSTALLED) ## Run the long fault tests and print their figures (SEED=1 repeats a run's random choices)
	@$(HOLDFAST) temporal-cli
	@$(BIN)/pytest -q -n 1 --chaos $(addprefix --seed ,$(SEED)) tests/faults tests/activities/test_take_over.py tests/store/test_order.py \
		tests/store/test_key_rotation.py $(ARGS)

format: $(INSTALLED) ## Format and fix what can be fixed
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

# Pins are compiled for every platform at once, without naming where packages come from.
COMPILE := $(BIN)/uv pip compile --universal --generate-hashes --no-header \
  --no-emit-index-url --no-emit-find-links --quiet pyproject.toml

requirements: $(INSTALLED) ## Compile requirements.txt and requirements-dev.txt anew (ARGS=--upgrade for newer ones)
	@$(COMPILE) --extra build -o requirements.txt $(ARGS)
	@$(COMPILE) --extra dev -o requirements-dev.txt $(ARGS)

clean: ## Remove .venv and .data (what `make dev` keeps, too)
	@rm -rf $(VENV) .data

# Installs the pinned packages, then our own without looking for anything more. Rerun only when the pins change.
$(INSTALLED): requirements-dev.txt pyproject.toml
	@python=; \
	for candidate in python3.13 python3.12 python3.11 python3 python; do \
	  if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; \
	  then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11 to 3.13 on PATH. Install one (apt install python3.12, brew install python@3.12, pyenv)." >&2; \
	  exit 1; \
	fi; \
	if ! $(BIN)/python -c '' >/dev/null 2>&1; then \
	  if ! $$python -c 'import venv, ensurepip' >/dev/null 2>&1; then \
	    echo "$$python has no venv module. Install it (apt install $$($$python -c \
	      'import sys; print("python%d.%d-venv" % sys.version_info[:2])'))." >&2; \
	    exit 1; \
	  fi; \
	  echo "Creating $(VENV) with $$($$python --version)"; \
	  $$python -m venv --clear $(VENV) || exit 1; \
	fi; \
	echo "Installing the pinned packages of requirements-dev.txt"; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . && \
	touch $@
