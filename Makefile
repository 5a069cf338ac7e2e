# Everything a contributor needs. `make help` lists the targets.
PYTHON ?= python3
PORT ?= 8000
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help serve test test-fast test-newest check format bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# One environment per set of dependencies would be purer; one environment that
# grows is faster. Each stamp says which group is already in it.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/.installed-%: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group $* --editable .
	@touch $@

serve: $(VENV)/.installed-demo ## create the demo database and serve the gateway on PORT (8000)
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py load_demo
	@exec env PORT=$(PORT) $(BIN)/python -m legacy.suppliers.run_with_stub $(SHELL) -c \
		'$(BIN)/python manage.py demo_urls && \
		echo "  http://127.0.0.1:$(PORT)/services/catalog/docs  what FastAPI serves; also cart, orders, reviews, quotes" && \
		exec $(BIN)/gateway serve --port $(PORT)'

# What starts servers, or takes long, measures time against others: one after another.
ALONE := slow or thirdparty or server

test: $(VENV)/.installed-test ## run every test: the fast ones on every core, then the others
	$(BIN)/python -m pytest -n auto -m "not ($(ALONE))"
	$(BIN)/python -m pytest -m "$(ALONE)"

test-fast: $(VENV)/.installed-test ## the inner loop: without servers and slow tests, on every core
	$(BIN)/python -m pytest -q -n auto -m "not ($(ALONE))"

test-newest: ## run every test under the newest Django, for which PYTHON may have to be newer
	$(MAKE) .venv-newest/.installed-test VENV=.venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade django
	$(MAKE) test VENV=.venv-newest

check: $(VENV)/.installed-check ## format, lint, types, import arrows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-check ## rewrite files into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-bench ## compare with what a user would pick instead; writes bench/results/
	$(BIN)/python -m bench

clean: ## remove the environment and the demo's data
	rm -rf $(VENV) .venv-newest var
