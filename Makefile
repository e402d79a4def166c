# The commands of the project. `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate \
	--no-emit-package ticketing-common --no-emit-package ticketing-dev
PACKAGES := $(patsubst %/pyproject.toml,%,$(wildcard common/pyproject.toml dev/pyproject.toml services/*/pyproject.toml))

.PHONY: help
help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: setup
setup: .venv/.ready ## Install everything into .venv

.venv/.ready: dev/uv.txt dev/requirements.txt $(PACKAGES:=/pyproject.toml)
	@echo "==> Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r dev/uv.txt
	@echo "==> Installing the locked packages"
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --require-hashes -r dev/requirements.txt
	@echo "==> Installing the project itself, editable"
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation $(addprefix -e ./,$(PACKAGES))
	@touch $@
	@echo "==> Ready: $(BIN)/ticketing"

.PHONY: up
up: setup ## Start the market at http://localhost:8080
	@$(BIN)/ticketing up

.PHONY: lock
lock: setup ## Compile the lock files anew
	@$(BIN)/$(LOCK) dev/uv.in -o dev/uv.txt
	@$(BIN)/$(LOCK) common/pyproject.toml services/*/pyproject.toml -o services/requirements.txt
	@$(BIN)/$(LOCK) --all-extras common/pyproject.toml dev/pyproject.toml services/*/pyproject.toml \
		-c services/requirements.txt -o dev/requirements.txt
