# `make demo` sets up and runs the main job; `make test` sets up and passes the tests.
# Environments live in .venvs and are made again only when what they hold has changed.
PYTHON ?= python3
VENVS := .venvs
INSTALL = bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
editable = $(foreach package,$(1),--editable ./$(package))

# Installed and tested together; the plugins below exclude one another, and have an environment each.
TASKS := forcefield-task phonon-task torsion-task md-task efficiency-task
TOGETHER := $(addprefix plugins/lamcore-,sevenn chgnet $(TASKS) lambench leaderboard crystal)
APART := mace orb deepmd
EXAMPLES := examples/lamcore-morse examples/lamcore-dimer-task examples/lamcore-noble-metals-data examples/lamcore-metals-suite examples/lamcore-benign-elements
TOOLS := pytest pytest-xdist ruff mypy import-linter uv html5lib playwright
# What optional parts of the plugins need, and an independent reader to compare with.
TOOLS += ase-db-backends dftd3 dpdata smact psycopg[binary] httpx
# One numerical thread a test process: two run side by side, and threads that wait for each other cost more than they bring.
PYTEST := bin/python -m pytest -n 2
core-tests plugin-tests packaging-tests $(APART:%=%-tests): export OMP_NUM_THREADS ?= 1

.PHONY: demo demo-crystal test lint core-tests plugin-tests packaging-tests clean $(APART:%=%-tests)

# The main job, then a small leaderboard. Status 3 says that some cases failed; the leaderboard shows which.
demo: $(VENVS)/demo/.ready
	$(VENVS)/demo/bin/python -m lamcore task=phonon model=sevennet
	$(VENVS)/demo/bin/python -m lamcore --multirun suite=lamcore-demo model=sevennet model.checkpoint=7net-0,7net-l3i5 || [ $$? -eq 3 ]
	$(VENVS)/demo/bin/python -m lamcore suite=lamcore-demo model=chgnet || [ $$? -eq 3 ]
	$(VENVS)/demo/bin/lamcore leaderboard runs --suite lamcore-demo --output site

# A crystal challenge from files to a report, in .demo-crystal. Status 3 says that a structure was refused, as one is to be.
demo-crystal: $(VENVS)/demo/.ready
	rm -rf .demo-crystal && mkdir .demo-crystal
	$(VENVS)/demo/bin/lamcore crystal demo .demo-crystal/files
	$(VENVS)/demo/bin/lamcore crystal init .demo-crystal/challenge model=sevennet
	$(VENVS)/demo/bin/lamcore crystal submit .demo-crystal/challenge .demo-crystal/files --source demo
	$(VENVS)/demo/bin/lamcore crystal evaluate .demo-crystal/challenge || [ $$? -eq 3 ]
	$(VENVS)/demo/bin/lamcore crystal query .demo-crystal/challenge --elements Ni,Al
	$(VENVS)/demo/bin/lamcore crystal report .demo-crystal/challenge

test: lint core-tests plugin-tests $(APART:%=%-tests) packaging-tests

lint: $(VENVS)/test/.ready
	$(VENVS)/test/bin/ruff check .
	$(VENVS)/test/bin/ruff format --check .
	$(VENVS)/test/bin/mypy
	$(VENVS)/test/bin/lint-imports

core-tests: $(VENVS)/test/.ready
	$(VENVS)/test/$(PYTEST) tests --ignore tests/packaging

plugin-tests: $(VENVS)/test/.ready
	$(VENVS)/test/$(PYTEST) $(TOGETHER) $(EXAMPLES)

mace-tests orb-tests: %-tests: $(VENVS)/%/.ready
	$(VENVS)/$*/$(PYTEST) plugins/lamcore-$*

# One process, since its tests share a model that is trained first.
deepmd-tests: $(VENVS)/deepmd/.ready
	$(VENVS)/deepmd/bin/python -m pytest plugins/lamcore-deepmd

packaging-tests: $(VENVS)/test/.ready
	$(VENVS)/test/bin/python -m pytest tests/packaging

$(VENVS)/demo/.ready: Makefile constraints.txt pyproject.toml $(addsuffix /pyproject.toml,$(TOGETHER))
	$(PYTHON) -m venv --clear $(VENVS)/demo
	$(VENVS)/demo/$(INSTALL) torch
	$(VENVS)/demo/$(INSTALL) $(call editable,. $(TOGETHER))
	touch $@

$(VENVS)/test/.ready: Makefile constraints.txt pyproject.toml $(addsuffix /pyproject.toml,$(TOGETHER) $(EXAMPLES))
	$(PYTHON) -m venv --clear $(VENVS)/test
	$(VENVS)/test/$(INSTALL) torch
	$(VENVS)/test/$(INSTALL) $(TOOLS) $(call editable,. $(TOGETHER) $(EXAMPLES))
	touch $@

$(APART:%=$(VENVS)/%/.ready): $(VENVS)/%/.ready: Makefile constraints.txt pyproject.toml plugins/lamcore-%/pyproject.toml plugins/lamcore-phonon-task/pyproject.toml
	$(PYTHON) -m venv --clear $(VENVS)/$*
	$(VENVS)/$*/$(INSTALL) torch
	[ ! -e plugins/lamcore-$*/environment.sh ] || bash plugins/lamcore-$*/environment.sh $(VENVS)/$*
	$(VENVS)/$*/$(INSTALL) pytest pytest-xdist $(call editable,. plugins/lamcore-phonon-task plugins/lamcore-$*)
	touch $@

clean:
	rm -rf $(VENVS)
