# What can be done here. Each target makes the environment first where it is missing: only python3, pip and make are needed.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DATA ?=
TESTS ?=
WORKERS ?= 2

# Threads that spin while they wait take the other core from whoever works on it.
export OMP_WAIT_POLICY ?= PASSIVE

.DEFAULT_GOAL := help
.PHONY: help install test demo check format readme docs campaign wheel-check clean

help:
	@echo "make demo                 train, evaluate and predict on handwritten digits: offline, about a minute"
	@echo "make demo DATA=<folder>   the same on CIFAR-10 found in that folder"
	@echo "make test                 the tests (TESTS='tests/models -k resnet' for some, WORKERS=8 for more cores)"
	@echo "make check                lint, formatting, types and the direction of imports"
	@echo "make format               let ruff mend what it can"
	@echo "make readme               renew the tables of models and results, and the plot"
	@echo "make docs                 the documentation, into docs/_build/html"
	@echo "make wheel-check          build the wheel and use it outside of the checkout"
	@echo "make campaign             the long fault campaigns; their counts go to docs/results/campaigns.json"
	@echo "make clean                remove what the targets above wrote, the environment excepted"

# The stamp is written last, so that an installation that was cut off is taken up again by the next call.
install: $(INSTALLED)
$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "cifarzoo needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --editable '.[dev]'
	@touch $@

test: $(INSTALLED)
	$(BIN)/python -m pytest -n $(WORKERS) -m 'not campaign' $(TESTS)

campaign: $(INSTALLED)
	CIFARZOO_RECORD=1 $(BIN)/python -m pytest -m 'campaign or counted' $(TESTS)

demo: $(INSTALLED)
	$(BIN)/python examples/demo.py $(if $(DATA),--data-root '$(DATA)')

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict cifarzoo
	$(BIN)/lint-imports

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

readme: $(INSTALLED)
	$(BIN)/python docs/renew_tables.py
	$(BIN)/python docs/renew_results.py

docs: $(INSTALLED)
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

wheel-check: $(INSTALLED)
	VENV=$(VENV) .ci/wheel-check

clean:
	rm -rf build dist docs/_build .venv-wheel .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
