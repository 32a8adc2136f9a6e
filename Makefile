# The only verbs, here and in CI. `make run` and `make test` need Python >= 3.11 and nothing else set up.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup run test test-timed test-scenes test-programs test-lives test-daemons test-browser test-exchange test-papers test-others check fmt lint types sim mutants bench cov image docs

SECONDS =
IMAGE = arbbot:dev

# The environment is rebuilt when the lock, the project file or the place of the checkout changes, and only then.
PY := .venv/bin/python
STAMP := .venv/.ready-$(shell (pwd; cat requirements-test.lock pyproject.toml) | cksum | cut -d' ' -f1)
export PIP_DISABLE_PIP_VERSION_CHECK = 1
unexport PYTHONDONTWRITEBYTECODE # the tests start the program some hundred times: it is compiled once

help:
	@echo 'make run [SECONDS=30]   rehearse on the built-in exchange until Ctrl-C, or for so many seconds'
	@echo 'make test               everything CI runs: check and the tests'
	@echo 'make sim [SEEDS=1000] [FIRST=0] or [SEED=n]   simulated lives of the core; ARGS=--help tells more'
	@echo 'make mutants            break the daemon in each known way; every break must be noticed'
	@echo 'make check | fmt | lint | types | cov | bench | docs | image | setup'

setup: $(STAMP)
	@deploy/get-page-assets

$(STAMP): # requirements-test.lock and pyproject.toml are in its name
	@deploy/make-venv .venv
	@echo 'setup: installing the locked dependencies into .venv'
	@$(PY) -m pip install --quiet --require-hashes --only-binary :all: -r requirements-test.lock
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@rm -f .venv/.ready-*
	@touch $@

run: setup
	@$(PY) -m arbbot run --demo $(if $(strip $(SECONDS)),--for $(strip $(SECONDS))s)

# What starts processes mostly waits, the other tests mostly compute: side by side they take half the time. Those that
# compute give way, so that those in real time keep theirs; of them the lives, which take longest, come first.
SCENES := tests/e2e
BROWSER := tests/browser
PROGRAMS := tests/bench tests/bootstrap tests/cli
LIVES := tests/sim
DAEMONS := tests/shell tests/mutants
EXCHANGE := tests/exchange tests/exchange_gateway tests/exchange_market
PAPERS := tests/docs tests/deploy tests/research

test: setup
	@echo 'test: check, scenes, programs, lives, simulated daemons, the exchange, papers, the page in a browser and all others run side by side; each is shown when it has ended'
	@$(MAKE) --no-print-directory --jobs --output-sync=target check test-timed test-programs test-lives test-daemons test-exchange test-papers test-others

test-timed: setup # both live in real time: a browser beside the scenes would make their feeds look stalled
	@$(MAKE) --no-print-directory test-scenes
	@$(MAKE) --no-print-directory test-browser

test-scenes: setup
	@$(PY) -m pytest -q $(SCENES)

test-programs: setup
	@$(PY) -m pytest -q $(PROGRAMS)

test-lives: setup
	@nice -n 2 $(PY) -m pytest -q $(LIVES)

test-daemons: setup # whole ones, simulated; and those that are broken on purpose
	@nice -n 2 $(PY) -m pytest -q $(DAEMONS)

test-browser: setup
	@deploy/get-chromium
	@nice -n 5 $(PY) -m pytest -q $(BROWSER)

test-exchange: setup
	@nice -n 10 $(PY) -m pytest -q $(EXCHANGE)

test-papers: setup # docs, deployment, research
	@deploy/get-systemd-analyze
	@deploy/get-promtool
	@nice -n 10 $(PY) -m pytest -q $(PAPERS)

test-others: setup
	@nice -n 10 $(PY) -m pytest -q $(addprefix --ignore=,$(SCENES) $(PROGRAMS) $(LIVES) $(DAEMONS) $(BROWSER) $(EXCHANGE) $(PAPERS))

check: lint types
	@$(PY) -m ruff format --check .

fmt: setup
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

lint: setup
	@$(PY) -m ruff check .
	@.venv/bin/lint-imports
	@.venv/bin/hadolint Dockerfile

types: setup
	@nice -n 10 $(PY) -m mypy

cov: setup
	@$(PY) -m pytest --cov --cov-report=term-missing

bench: setup
	@$(PY) -m arbbot.bench

# make sim SEEDS=1000 [FIRST=n]: so many simulated lives; make sim SEED=n: one of them, with its whole trace
sim: setup
	@$(PY) -m tests.sim $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0)) $(ARGS)

# ARGS='--only NAME' hunts one, ARGS=--list names them all.
mutants: setup
	@nice -n 19 $(PY) -m tests.mutants $(ARGS)

# A link that leads nowhere, an unknown word of markup, a page that no other names: each ends it.
docs: setup
	@$(PY) -m sphinx --fail-on-warning --keep-going --nitpicky --quiet --fresh-env \
		--doctree-dir dist/doctrees docs dist/docs
	@echo 'docs: dist/docs/index.html'

image:
	@docker build --tag $(IMAGE) .
