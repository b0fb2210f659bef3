# The menu. `make help` prints it. Set-up happens by itself: each target first installs what it needs into $(VENV).
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ASSETS := .cache/assets
WORKERS ?= 2
GENERATE := $(BIN)/python -m codegen asyncapi.yaml --server src/generated

.PHONY: help run dev test test-stock test-cov soak bench generate check lint types layers drift assets constraints clean

help: ## Print this menu
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: $(VENV)/.installed-run ## Serve on TAPECAST_HOST:TAPECAST_PORT (127.0.0.1:8000)
	@TAPECAST_DEMO=$${TAPECAST_DEMO:-true} exec $(BIN)/tapecast serve

dev: $(VENV)/.installed-dev ## The same, started again at each change of a source file
	@TAPECAST_DEMO=$${TAPECAST_DEMO:-true} exec $(BIN)/watchfiles --filter python '$(BIN)/tapecast serve' src

test: $(VENV)/.installed-dev ## Run every test
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

test-stock: $(VENV)/.installed-dev ## Run every test on uvicorn's own WebSocket class
	TAPECAST_TRANSPORT=stock $(BIN)/pytest -n $(WORKERS) --dist loadfile --ignore tests/conformance --ignore tests/codegen

test-cov: $(VENV)/.installed-dev ## Run every test, and hold each package to its branch coverage
	rm -f .coverage .coverage.*
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --cov --cov-report=
	@status=0; for rule in handlers:95 streaming:95 market:95 gateway:90 codegen:90 watch:95 examples:95; do \
	  echo "== $${rule%%:*}: at least $${rule##*:} %"; \
	  $(BIN)/coverage report --include="*/$${rule%%:*}/*" --omit="tests/*" --fail-under=$${rule##*:} --skip-covered || status=1; \
	done; exit $$status

soak: $(VENV)/.installed-dev ## Run what needs minutes of the wall clock (SOAK_MINUTES=10)
	SOAK_MINUTES=$${SOAK_MINUTES:-10} $(BIN)/pytest -m soak -s

generate: $(VENV)/.installed-dev ## Write src/generated/ from asyncapi.yaml
	$(GENERATE)

check: drift lint types layers ## Drift, lint, types and layers: what every commit passes

drift: $(VENV)/.installed-dev
	$(GENERATE) --check

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy
	$(BIN)/pyright

layers: $(VENV)/.installed-dev
	$(BIN)/lint-imports

bench: $(VENV)/.installed-bench ## Measure beside other servers, on an idle machine with a C compiler (QUICK=1: < 3 min)
	$(BIN)/python -m bench $(if $(QUICK),--quick) $(BENCH_OPTIONS)

constraints: $(VENV)/.installed-dev ## Renew constraints.txt from what is installed
	$(BIN)/pip freeze --exclude-editable --disable-pip-version-check | grep -v '^tapecast' | LC_ALL=C sort -f > constraints.txt

assets: $(VENV)/.installed-run ## Fetch the documentation page's files, where set-up could not (needs a network)
	$(BIN)/python -m gateway.pages.fetch_assets $(ASSETS)

clean: ## Remove what set-up made
	rm -rf $(VENV) .cache

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

# A peer that can't be had is left out of the tables with its reason.
$(VENV)/.installed-bench: $(VENV)/.installed-run
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]' || \
	  echo "Some peers of the bench could not be installed; it goes on without them."
	@touch $@
