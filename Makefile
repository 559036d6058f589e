# Everything this project does, by name. `make help` lists it.
SHELL := /bin/bash
PY := .venv/bin/python
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests demo test test-all check format lint types contract migrations catalogues docs bench soak large-file fuzz audit sbom clean

help: ## list what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## install what the program needs into .venv
	@tools/setup.sh

setup-tests: setup ## install what the tests need besides: PostgreSQL, Chromium
	@tools/setup_tests.sh

demo: setup ## three national nodes, one question, one answer (ONCE=1 ends after the story; LIST=file or URL of a UN list)
	@$(PY) -m tansiq.demo $(if $(ONCE),--once) $(if $(LIST),--list "$(LIST)") $(if $(PORT),--port $(PORT))

test: setup-tests ## the tests, on SQLite and on PostgreSQL (the README's test command; what CI runs)
	@$(PY) tools/run_tests.py

test-all: setup-tests ## also the long ones
	@$(PY) tools/run_tests.py --all

check: setup format-check lint types contract migrations catalogues docs ## everything that can be wrong without running: format, lint, types, floors, migrations, catalogues, docs

format: ## put the source in its form
	@.venv/bin/ruff format src tests tools bench && .venv/bin/ruff check --fix-only -q src tests tools bench

format-check:
	@.venv/bin/ruff format --check -q src tests tools bench

lint: ## ruff
	@.venv/bin/ruff check -q src tests tools bench

types: ## mypy, strict on engine/
	@.venv/bin/mypy

contract: ## imports only go down, and only a room touches its own rows
	@.venv/bin/lint-imports

migrations: ## the migrations say what the models say
	@TANSIQ_HOME=$$(mktemp -d) DJANGO_SETTINGS_MODULE=tansiq.node.site.settings $(PY) -m django makemigrations --check --dry-run

catalogues: ## every sentence in every language that was opened
	@$(PY) tools/catalogues.py --check

docs: ## generated pages are up to date, and every link in the docs leads somewhere
	@$(PY) tools/docs.py --check

soak: setup-tests ## entries between two nodes while everything goes wrong, with a report (ENTRIES=1000000, SEED=random)
	@$(PY) -m tests.system.soak --entries $(or $(ENTRIES),1000000) $(if $(SEED),--seed $(SEED))

large-file: setup-tests ## a file of 5 GB between two real nodes, over a line that is cut ten times (MB=5120, CUTS=10)
	@$(PY) -m bench.attachments --mb $(or $(MB),5120) --cuts $(or $(CUTS),10)

bench: setup ## every benchmark, beside its peers (installs them); BENCH="--quick" or other options
	@VIRTUAL_ENV="$$PWD/.venv" $$(command -v uv || echo .venv/bin/uv) sync --frozen --inexact -q --group bench --extra spark --python $(PY)
	@$(PY) -m bench $(BENCH)

fuzz: setup-tests ## every reader of foreign bytes, guided by coverage where atheris can be had (TARGET=envelope, SECONDS=600 each)
	@$(PY) -c "import atheris" 2>/dev/null || VIRTUAL_ENV="$$PWD/.venv" .venv/bin/uv pip install -q "atheris==3.0.0" || echo "atheris cannot be had: Hypothesis alone"
	@$(PY) -m tests.fuzz $(TARGET) --seconds $(or $(SECONDS),600)

audit: setup ## known vulnerabilities of what is installed, from the public database (needs the network)
	@$(PY) tools/audit.py

sbom: setup ## what the program is made of, as CycloneDX, from uv.lock
	@$(PY) tools/sbom.py

clean: ## remove what was built here
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis var
