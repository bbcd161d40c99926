# make demo and make test are all that a fresh machine with Python needs.
.DEFAULT_GOAL := help
.PHONY: help demo test check docs format bench clean
BIN := .venv/bin
DEV := dev,oracle,boost,imaging,docs
WORKERS ?= 2

help: ## these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## make an environment and run a real paper; ends with the path of an HTML report
	@tools/bootstrap.sh
	@$(BIN)/hilum demo

test: ## make an environment and run the tests
	@tools/bootstrap.sh $(DEV)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report= 
	$(BIN)/python tools/coverage_gate.py

check: ## format, lint, types, import contracts, house limits, import time, docs
	@tools/bootstrap.sh $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/house_limits.py
	$(BIN)/python tools/import_time.py
	$(BIN)/python -m pytest -q tests/docs

docs: ## the documentation as a site in build/site, strictly: a broken link fails
	@tools/bootstrap.sh $(DEV)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo build/site/index.html

format: ## format and mend what can be mended
	@tools/bootstrap.sh $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: ## the benchmarks behind the figures in LOG.md
	@tools/bootstrap.sh $(DEV)
	for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean: ## delete environments and caches
	rm -rf .venv .venv-base .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
