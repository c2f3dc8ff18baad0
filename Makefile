# crmlab: `make reports` for the sample reports, `make test` for the test suite.

VENV    := .venv
BIN     := $(VENV)/bin
READY   := $(VENV)/.ready
SAMPLE  ?= data/sample
UPGRADE ?= --upgrade
PYTHON  ?= $(shell command -v python3.11 || command -v python3)

# Networks with a certificate authority of their own have it in the system's store.
export UV_SYSTEM_CERTS ?= 1

# Compiled modules save every later process seconds of parsing.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH

.PHONY: help setup reports test lab lint lock clean
.DEFAULT_GOAL := help

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## make .venv with the pinned dependencies

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "crmlab needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "Python's venv module is missing; on Debian or Ubuntu: apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements.lock)"
	@echo "Installing the pinned packages; this takes a minute or so."
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

reports: $(READY)  ## write the sample workspace and its reports
	@test -f $(SAMPLE)/crmlab.toml || $(BIN)/crmlab data sample $(SAMPLE) > /dev/null
	@$(BIN)/crmlab report all --workspace $(SAMPLE)

test: $(READY)  ## the whole test suite, in a real browser where there is one
	@sh .ci/test

lab: $(READY)  ## open JupyterLab on notebooks/
	@$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --notebook-dir=. --LabApp.default_url=/lab/tree/notebooks

lint: $(READY)  ## ruff: style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lock: $(READY)  ## write lock file and environment.yml anew; UPGRADE= keeps the versions that are there
	$(BIN)/uv pip compile --quiet pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate $(UPGRADE) --output-file requirements.lock
	$(BIN)/python .ci/environment.py > environment.yml

clean:  ## remove the environment, the sample and all reports
	rm -rf $(VENV) $(SAMPLE) reports/[!.]*
