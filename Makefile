# Everything a contributor needs. `make help` lists the targets.
PYTHON ?= python3
PORT ?= 8000
VENV ?= .venv
BIN := $(VENV)/bin
# Servers in tests would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help serve tutorial test test-proofs test-fast test-lowest test-newest coverage check format bench soak clean

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

tutorial: $(VENV)/.installed-tutorial ## install what docs/tutorial.md needs

# What starts servers, or takes long, waits for others: a file at a time, and one more at once than there are cores.
ALONE := slow or thirdparty or server
# Where there are such tests; reading all others would take each process half a minute.
ALONE_FILES = $(shell grep -rlE "mark\.(slow|thirdparty|server)" tests legacy --include="*.py" | sed "s,/conftest.py$$,," | sort -u)

# With COVERAGE=1 the fast tests are measured, and take twice as long. FLOOR is the percentage of lines and branches of
# gateway/ that they run, without tables and what is long; that of all tests, by `make coverage`, is in pyproject.toml.
FLOOR := 92
PYTEST := $(BIN)/python -m pytest
MEASURED := $(BIN)/coverage run -m pytest
REPORT := $(BIN)/coverage combine --quiet && $(BIN)/coverage report

LONG := proof or table or long
# CI has 25 minutes, and at times cores of half the speed.
LEFT_OUT := $(if $(CI),$(LONG),proof)

test: $(VENV)/.installed-test ## every test but the proofs: the fast ones on every core, then the others
	$(if $(COVERAGE),$(BIN)/coverage erase)
	$(if $(COVERAGE),$(MEASURED),$(PYTEST)) -n auto -m "not ($(ALONE) or $(LEFT_OUT))"
	$(if $(COVERAGE),$(REPORT) --format=total --fail-under=$(FLOOR))
	$(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder -m "($(ALONE)) and not ($(LEFT_OUT))" $(ALONE_FILES)

coverage: $(VENV)/.installed-test ## what all tests and proofs together run of gateway/; takes more than an hour
	$(BIN)/coverage erase
	$(MEASURED) -n auto -m "not ($(ALONE) or proof)"
	$(MEASURED) -n 3 --dist loadfile --no-loadscope-reorder -m "($(ALONE)) and not proof" $(ALONE_FILES)
	$(MEASURED) -n 2 --dist loadfile --no-loadscope-reorder --timeout 400 -m proof
	$(REPORT)

test-proofs: $(VENV)/.installed-test ## what takes a minute or more: the workbench on the whole demo, every database, other projects
	$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder -m proof

test-fast: $(VENV)/.installed-test ## the inner loop: no servers, no tables, nothing long, few examples for each rule
	$(BIN)/python -m pytest -q -n auto -m "not ($(ALONE) or $(LONG))" --hypothesis-profile=fast

# Where another version of a library shows: the tests of what is used of it, and of what runs Django's and FastAPI's own
# objects, without tables and servers.
UPGRADED := tests/compat tests/bridge tests/admin \
	--ignore=tests/compat/test_elasticapm.py --ignore=tests/compat/test_opentelemetry.py
# The newest Python that there is here: the newest Django may need it.
NEWEST = $(shell for version in 3.14 3.13 3.12; do \
	for python in python$$version "$$(pyenv prefix $$version 2>/dev/null)/bin/python"; do \
	"$$python" -c "" 2>/dev/null && echo "$$python" && exit; done; done; echo $(PYTHON))
UPGRADED_ENV := -n auto -m "not ($(ALONE) or $(LONG))" --hypothesis-profile=fast $(UPGRADED)

test-lowest: ## the core's tests, with the lowest versions that pyproject.toml allows
	$(MAKE) .venv-lowest/bin/python VENV=.venv-lowest
	.venv-lowest/bin/python -m tests.support.floors > .venv-lowest/floors.txt
	.venv-lowest/bin/python -m pip install --quiet --constraint .venv-lowest/floors.txt --group core --editable ".[drf]"
	.venv-lowest/bin/python -m pytest -q -W default $(UPGRADED_ENV)

test-newest: ## the same, with the newest Django, and the newest Python that is here
	$(MAKE) .venv-newest/.installed-core VENV=.venv-newest PYTHON=$(NEWEST)
	.venv-newest/bin/python -m pip install --quiet --upgrade django
	.venv-newest/bin/python -m pytest -q $(UPGRADED_ENV)

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

soak: $(VENV)/.installed-bench ## ten minutes under callers and faults; needs PostgreSQL
	$(BIN)/python -m bench --soak

clean: ## remove the environment and the demo's data
	rm -rf $(VENV) .venv-lowest .venv-newest var
