# make report   the report at the default scale        make smoke   the same in about a minute
# make test     all tests                              make full    the complete study
SHELL := bash
PYTHON ?= python3
GPU ?=
# Beside each other, since either TensorFlow would overwrite the other.
VENV := .venv$(if $(GPU),-gpu)
BIN = $(VENV)/bin
LOCK := requirements/$(if $(GPU),gpu,run).txt
SNAKEMAKE = PATH="$(CURDIR)/$(BIN):$$PATH" snakemake
# Snakemake runs the code that a configuration file may ask it to; such a file must not get that far.
CHECKED = $(BIN)/python -m batchmark.stages.check_config $(ARGS) && $(SNAKEMAKE)

.PHONY: report smoke full test lint format bench estimate rebuild publish clean-stale lock

report: $(VENV)/installed-run
	@$(CHECKED) --cores all $(ARGS) && echo "The report: $(CURDIR)/reports/index.html"

smoke: override ARGS += --configfile config/smoke.yaml
smoke: report

full: override ARGS += --configfile config/full.yaml
full: report

# Tests, their tools and benchmarks are for the CPU.
test lint format bench: BIN = .venv/bin

test: .venv/installed-test
	@$(MAKE) --no-print-directory lint
	@PATH="$(CURDIR)/$(BIN):$$PATH" python -m pytest --numprocesses logical --dist loadscope $(ARGS)

# Snakemake would have a conda environment for every rule; ours is the hash-pinned .venv.
lint: .venv/installed-test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright
	@$(BIN)/snakefmt --check Snakefile workflow
	@$(SNAKEMAKE) --version > /dev/null
	@! $(SNAKEMAKE) --lint 2>&1 | grep -E "^    \* |rror" | grep -v "Specify a conda environment"

format: .venv/installed-test
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format . && $(BIN)/snakefmt Snakefile workflow

estimate: $(VENV)/installed-run
	@$(CHECKED) --cores all calibrate --forcerun calibrate $(ARGS)

rebuild: $(VENV)/installed-run
	@$(CHECKED) --cores all rebuild $(ARGS)

clean-stale: $(VENV)/installed-run
	@$(CHECKED) --cores 1 clean_stale $(ARGS)

bench: .venv/installed-test
	@$(BIN)/python benchmarks/engine.py $(ARGS)

publish: $(VENV)/installed-run
	@$(CHECKED) --cores all publish $(ARGS)

lock:
	@for kind in run gpu test; do \
	  uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header \
	    --no-emit-index-url requirements/$$kind.in -o requirements/$$kind.txt; \
	done

# A stamp names the lock files that were installed, so nothing is installed twice.
$(VENV)/installed-run: $(LOCK) pyproject.toml
	@$(call install,$(LOCK))

.venv/installed-test: requirements/test.txt pyproject.toml
	@$(call install,requirements/test.txt)
	@touch .venv/installed-run

define install
test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
echo "Installing $(1) into $(@D) (once)"
$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
touch $@
endef
