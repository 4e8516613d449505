# `make demo` sets up and runs the main job; `make test` sets up and passes the tests.
# Environments live in .venvs and are made again only when what they hold has changed.
PYTHON ?= python3
VENVS := .venvs
INSTALL = bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PACKAGES := . plugins/lamcore-sevenn plugins/lamcore-chgnet plugins/lamcore-phonon-task
PLUGIN_TESTS := plugins/lamcore-sevenn plugins/lamcore-chgnet plugins/lamcore-phonon-task
EXAMPLES := examples/lamcore-morse examples/lamcore-dimer-task examples/lamcore-noble-metals-data
TOOLS := pytest pytest-xdist ruff mypy import-linter
# One numerical thread a test process: two of them run side by side, and threads that wait for each other cost more than they bring.
PYTEST = OMP_NUM_THREADS=1 $(VENVS)/test/bin/python -m pytest -n 2

.PHONY: demo test lint core-tests plugin-tests packaging-tests clean

demo: $(VENVS)/demo/.ready
	$(VENVS)/demo/bin/python -m lamcore task=phonon model=sevennet

test: lint core-tests plugin-tests packaging-tests

lint: $(VENVS)/test/.ready
	$(VENVS)/test/bin/ruff check .
	$(VENVS)/test/bin/ruff format --check .
	$(VENVS)/test/bin/mypy
	$(VENVS)/test/bin/lint-imports

core-tests: $(VENVS)/test/.ready
	$(PYTEST) tests --ignore tests/packaging

plugin-tests: $(VENVS)/test/.ready
	$(PYTEST) $(PLUGIN_TESTS) $(EXAMPLES)

packaging-tests: $(VENVS)/test/.ready
	$(VENVS)/test/bin/python -m pytest tests/packaging

$(VENVS)/demo/.ready: Makefile constraints.txt pyproject.toml plugins/lamcore-sevenn/pyproject.toml plugins/lamcore-phonon-task/pyproject.toml
	$(PYTHON) -m venv --clear $(VENVS)/demo
	$(VENVS)/demo/$(INSTALL) torch
	$(VENVS)/demo/$(INSTALL) . ./plugins/lamcore-sevenn ./plugins/lamcore-phonon-task
	touch $@

$(VENVS)/test/.ready: Makefile constraints.txt $(addsuffix /pyproject.toml,$(PACKAGES) $(EXAMPLES))
	$(PYTHON) -m venv --clear $(VENVS)/test
	$(VENVS)/test/$(INSTALL) torch
	$(VENVS)/test/$(INSTALL) $(TOOLS) $(foreach package,$(PACKAGES) $(EXAMPLES),--editable ./$(package))
	touch $@

clean:
	rm -rf $(VENVS)
