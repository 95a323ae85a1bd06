# Everything one does with a checkout. Each target sets up .venv first, once; it needs Python 3.11 or newer, and make.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

# The Python that .venv is made with: `make PYTHON=python3.13 ...` chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c '$(USABLE)' >/dev/null 2>&1 && echo $$python && break; done)

# The tests start Digest some hundred times: it is compiled once, whatever the environment says of that.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test check judges bench proofs reliability reference words clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## set up .venv

demo: $(READY) ## the whole job on the sample articles, a dry run into outbox/
	$(BIN)/digest demo

test: $(READY) ## the tests, but for the long proofs
	$(BIN)/pytest -n 2 --dist worksteal -m "not wheel and not proof"

check: $(READY) ## style, types, direction of imports, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry digest

# Node's packages, outside the checkout: for tests alone. The date fixes what those two bring along.
JUDGES := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/digest-judges

judges: ## fetch axe-core and html-validate, which judge mails in the tests; needs npm
	npm install --prefix $(JUDGES) --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --before 2026-11-20 $$(cat requirements/judges.txt)

proofs: $(READY) ## what takes longer: crash loop, kill points, simulation, faults, coverage, mutants, galleries, the built wheel in an empty environment
	$(BIN)/pytest -m "wheel or proof" -p no:randomly -n 2 --dist loadfile

reliability: $(READY) ## the proofs in their large form, most of an hour; writes docs/RELIABILITY.md
	$(BIN)/python -m tests.proofs.reliability

bench: $(READY) ## the benchmarks
	$(BIN)/python -m benchmarks

reference: $(READY) ## docs/reference/settings.md and commands.md, from the code
	$(BIN)/python -m digest.settings.reference > docs/reference/settings.md.new
	mv docs/reference/settings.md.new docs/reference/settings.md
	$(BIN)/python -m digest.cli.reference > docs/reference/commands.md.new
	mv docs/reference/commands.md.new docs/reference/commands.md

words: $(READY) ## digest/languages/*.po: new messages of templates and code stand in them, to be translated
	$(BIN)/python -m tests.languages.extracting

clean: ## remove what was built or made, but not .venv
	rm -rf build dist outbox htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

$(READY): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Digest needs Python 3.11 or newer with venv (on Debian: apt-get install python3-venv); then make again" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
