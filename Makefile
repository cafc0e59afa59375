# Everything a developer does here. Needs python3 (3.11 or newer, with venv) and make; nothing else.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
CLIENT := examples/lms/certsvc_client
TOOLS  := .venv-generators
TS     := tests/clients/typescript
BASE   ?= HEAD
UV     := uv==0.13.9
LOCK   := .venv-lock/bin/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --quiet --python-version 3.11
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help setup client generators run test soak check format generated contract-check demo bench docs openapi migrate lock clean

help: ## Say what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Install the locked dependencies into .venv (every other target does so by itself)

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

client: $(CLIENT)/__init__.py ## Generate the client of examples/lms/ from the contract, in an environment of its own

.venv-client/.installed: requirements/client.txt
	$(PYTHON) -m venv --clear .venv-client
	.venv-client/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/client.txt
	@touch $@

$(CLIENT)/__init__.py: .venv-client/.installed openapi/openapi.json examples/lms/generator.yaml
	.venv-client/bin/openapi-python-client generate --fail-on-warning --path openapi/openapi.json --config examples/lms/generator.yaml --meta none --output-path $(CLIENT) --overwrite
	@touch $@

generators: $(TOOLS)/node/.installed ## Install what other clients are generated with, for the tests

$(TOOLS)/.installed: requirements/generators.txt
	$(PYTHON) -m venv --clear $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/generators.txt
	@touch $@

$(TOOLS)/node/.installed: $(TOOLS)/.installed $(TS)/package.json $(TS)/package-lock.json $(TS)/.npmrc
	@mkdir -p $(TOOLS)/node
	cp $(TS)/package.json $(TS)/package-lock.json $(TS)/.npmrc $(TOOLS)/node/
	cd $(TOOLS)/node && PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" npm ci --ignore-scripts --loglevel error --no-progress && touch .installed \
		|| echo 'npm cannot install what $(TS)/package-lock.json names: the tests of generated clients will fail, and say so' >&2

run: setup ## Start the service with its own PostgreSQL on http://127.0.0.1:8000
	$(BIN)/certsvc serve $(ARGS)

test: setup client generators ## Run the tests in two processes (ARGS="-k name" narrows, ARGS="-n 0" takes one)
	$(BIN)/pytest -n 2 $(ARGS)

soak: setup client generators ## Run the long tests as well
	$(BIN)/pytest -m "soak or not soak" --timeout 3600 $(ARGS)

check: setup client ## Format, lint, types, import directions, generated files, the contract: all as a gate
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory generated
	@$(MAKE) --no-print-directory contract-check BASE=HEAD

generated: setup ## Fail if a generated file differs from what the code would generate
	@$(BIN)/certsvc openapi | diff -u openapi/openapi.json - || { echo 'openapi/openapi.json is out of date: run make openapi'; exit 1; }
	@$(BIN)/python -m certsvc.docs --check || { echo 'docs/ is out of date: run make docs'; exit 1; }

contract-check: setup ## Tell breaking changes of the contract since BASE (a git revision, or a file) from harmless ones
	$(BIN)/python -m certsvc.compatibility $(BASE) $(ARGS)

format: setup ## Format the code and repair what can be repaired safely
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo: setup ## Play a certification's life in seconds, against a fresh service
	$(BIN)/certsvc demo $(ARGS)

bench: setup ## Measure; results go to benchmarks/results/
	$(BIN)/python -m benchmarks $(ARGS)

docs: setup ## Write the generated pages of docs/
	$(BIN)/python -m certsvc.docs

openapi: setup ## Write openapi/openapi.json
	@mkdir -p openapi
	$(BIN)/certsvc openapi > openapi/openapi.json.new && mv openapi/openapi.json.new openapi/openapi.json

migrate: setup ## Bring the database to the newest schema
	$(BIN)/certsvc migrate $(ARGS)

lock: ## Resolve the dependencies anew into requirements/ (ARGS="--upgrade" takes newer ones)
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet $(UV); }
	$(LOCK) $(ARGS) pyproject.toml --output-file requirements/runtime.txt
	$(LOCK) $(ARGS) --group build --output-file requirements/build.txt
	$(LOCK) $(ARGS) --group client --output-file requirements/client.txt
	$(LOCK) $(ARGS) --group generators --output-file requirements/generators.txt
	$(LOCK) $(ARGS) pyproject.toml --group dev --constraint requirements/build.txt --constraint requirements/runtime.txt --output-file requirements/dev.txt

clean: ## Remove what was built or cached; keeps the data in .certsvc
	rm -rf $(VENV) .venv-lock .venv-client $(TOOLS) $(CLIENT) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests migrations benchmarks examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
