# make report   the report at the default scale        make smoke   the same in about a minute
# make test     all tests                              make evening every question, in three hours
# make check    those of a minute, without pipelines   make full    the complete study
SHELL := bash
PYTHON ?= python3
GPU ?=
# Beside each other, since either TensorFlow would overwrite the other.
VENV := .venv$(if $(GPU),-gpu)
BIN = $(VENV)/bin
LOCK := requirements/$(if $(GPU),gpu,run).txt
# As modules of this folder's environment: in a copied or moved folder, the scripts in bin and the
# installed link to src/ still name the old one.
SNAKEMAKE = $(BIN)/python -m snakemake
export PYTHONPATH := $(CURDIR)/src$(if $(PYTHONPATH),:$(PYTHONPATH))
# Snakemake runs the code that a configuration file may ask it to; such a file must not get that far.
CHECKED = $(BIN)/python -m batchmark check $(ARGS) && $(SNAKEMAKE)
# A scale's file, then those of ARGS: Snakemake heeds the last --configfile alone.
SCALED = $(if $(findstring --configfile,$(ARGS)),$(subst --configfile ,--configfile $(1) ,$(subst \
  --configfile=,--configfile ,$(subst --configfiles,--configfile,$(ARGS)))),$(ARGS) --configfile $(1))

# A module's tests share its fixtures, and the long ones come first (tests/conftest.py). One process more than
# cores, for those that wait for the cluster, files and sockets; each takes a TensorFlow of its own.
PYTEST = PATH="$(CURDIR)/$(BIN):$$PATH" python -m pytest --numprocesses $$(($$(nproc) + 1)) \
  --dist loadscope --no-loadscope-reorder

.PHONY: report quick smoke evening full test check pytest lint format bench estimate partial publish clean-stale compare lock again

report: $(VENV)/installed-run
	@$(CHECKED) --cores all $(ARGS)

quick: $(VENV)/installed-run
quick: override ARGS := $(call SCALED,config/quick.yaml)
quick:
	@$(CHECKED) quick --cores all $(ARGS)

smoke: override ARGS := $(call SCALED,config/smoke.yaml)
smoke: report

evening: override ARGS := $(call SCALED,config/evening.yaml)
evening: report

full: override ARGS := $(call SCALED,config/full.yaml)
full: report

# Tests, their tools and benchmarks are for the CPU.
test check pytest lint format bench: BIN = .venv/bin
# Containers often tell Python to keep no bytecode: every process of a test would compile ours anew.
test check pytest: export PYTHONDONTWRITEBYTECODE :=

# Beside each other: most of lint is one process.
test check: .venv/installed-test
	@$(MAKE) --no-print-directory --jobs=2 lint pytest $(if $(filter check,$@),ONLY='-m "not slow"')

pytest: .venv/installed-test
	@$(PYTEST) $(ONLY) $(ARGS)

# Snakemake would have a conda environment for every rule, which it says of some if it runs at all; ours
# is the hash-pinned .venv.
lint: .venv/installed-test
	@$(BIN)/python -m ruff check . && $(BIN)/python -m ruff format --check .
	@$(BIN)/python -m pyrefly check --summary=none && $(BIN)/python -m snakefmt --check Snakefile workflow template
	@$(BIN)/hadolint Containerfile
	@$(BIN)/python -m batchmark.report.language.untranslated workflow/report
	@lints=$$($(SNAKEMAKE) --lint 2>&1); grep -q "^Lints for rule" <<< "$$lints" \
	  && ! grep -E "^    \* |rror" <<< "$$lints" | grep -v "Specify a conda environment"

format: .venv/installed-test
	@$(BIN)/python -m ruff check --fix . ; $(BIN)/python -m ruff format .
	@$(BIN)/python -m snakefmt Snakefile workflow template

estimate: $(VENV)/installed-run
	@$(CHECKED) --cores all calibrate --forcerun calibrate $(ARGS)

partial: $(VENV)/installed-run
	@$(CHECKED) --cores all partial $(ARGS)

clean-stale: $(VENV)/installed-run
	@$(CHECKED) --cores 1 clean_stale $(ARGS)

# What changed between two runs of a machine: make compare BEFORE=folder AFTER=folder, and with
# HISTORY=folder, a folder of earlier runs, since when.
compare: $(VENV)/installed-run
	@$(BIN)/python -m batchmark.stages.compare --before "$(BEFORE)" --after "$(AFTER)" \
	  $(if $(HISTORY),--history "$(HISTORY)") --output reports/comparison.json

bench: .venv/installed-test
	@$(BIN)/python benchmarks/engine.py $(ARGS)

publish: $(VENV)/installed-run
	@$(CHECKED) --cores all publish $(ARGS)

lock:
	@for kind in run gpu test; do \
	  uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header \
	    --no-emit-index-url requirements/$$kind.in -o requirements/$$kind.txt; \
	done

# A stamp names the lock files that were installed, so nothing is installed twice. It says nothing
# once the environment's Python is gone or another version, which looks elsewhere for packages.
WHOLE = $(shell $(1)/bin/python -I -c "import importlib.util as u; print(u.find_spec('snakemake'))" \
  2> /dev/null | grep -v None)

$(VENV)/installed-run: $(LOCK) pyproject.toml $(if $(call WHOLE,$(VENV)),,again)
	@$(call install,$(LOCK))

.venv/installed-test: requirements/test.txt pyproject.toml $(if $(call WHOLE,.venv),,again)
	@$(call install,requirements/test.txt)
	@touch .venv/installed-run

# Of any other Python pip would only say that some package has no version for it.
ABLE = { $(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" \
  || { echo "batchmark needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is $$($(PYTHON) --version 2>&1);" \
  "name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; false; }; }

# What was left by a kill is thrown away: pip takes a package that it half wrote for a whole one.
define install
{ test ! -e $(@D)/unfinished && $(@D)/bin/python -I -c "import pip, snakemake"; } 2> /dev/null \
  || { $(ABLE) && $(PYTHON) -m venv --clear $(@D); }
touch $(@D)/unfinished
echo "Installing $(1) into $(@D) (once)"
$(@D)/bin/python -I -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
$(@D)/bin/python -I -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
rm $(@D)/unfinished
touch $@
endef
