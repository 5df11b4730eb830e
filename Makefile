# lucid: `make train` trains a model on handwritten digits, `make test` runs the tests. `make help` lists the rest.
# Everything is installed into .venv; delete that folder to start over. Works with GNU make 3.81 and newer.

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -q
ENGINE := lucid/_engine.abi3.so
ENGINE_SOURCES := setup.py $(wildcard engine/*.py engine/*.h engine/*/*.h engine/*/*.c)

.PHONY: help train test test-slow lint format build sanitize examples conformance bench bench-peers bench-kernels wheel clean clean-all
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@echo 'make train        train a model on handwritten digits (examples/digits.py)'
	@echo 'make examples     run the training scripts of docs/examples.md, and compare them with PyTorch if it is installed'
	@echo 'make test         run the tests; make test-slow runs those that take long'
	@echo 'make lint         check style and types; make format puts the style right'
	@echo 'make build        build the C engine again where it changed'
	@echo 'make sanitize     run the tests of the engine under AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make conformance  compare every public name with PyTorch, if it is installed, and write docs/conformance.md'
	@echo 'make bench        measure; make bench-peers puts PyTorch and JAX beside it, make bench-kernels operation by operation'
	@echo 'make wheel        make a wheel in dist/'
	@echo 'make clean        delete what was built; make clean-all deletes .venv too'
	@echo 'make PYTHON=python3.12 ... uses another Python, make CC=clang ... another compiler'

train: .venv/with-examples $(ENGINE)
	@$(PY) examples/digits.py $(ARGS)

examples: .venv/with-examples $(ENGINE)
	@$(PY) examples/compare.py $(ARGS)

test: .venv/with-dev $(ENGINE)
	@$(PY) -m pytest -q $(ARGS)

test-slow: .venv/with-dev $(ENGINE)
	@$(PY) -m pytest -q -m slow $(ARGS)

lint: .venv/with-dev $(ENGINE)
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@$(PY) -m mypy

format: .venv/with-dev
	@$(PY) -m ruff check --fix
	@$(PY) -m ruff format
	@if command -v clang-format >/dev/null; then clang-format -i $(filter %.c %.h,$(ENGINE_SOURCES)); \
	else echo 'The C files are left as they are: clang-format is not installed.'; fi

build: $(ENGINE)

# The sanitized engine is built apart, with a copy of the package beside it; tests run from there, so this copy is found.
SANITIZE := build/sanitize
ifeq ($(shell uname),Darwin)
PRELOAD := DYLD_INSERT_LIBRARIES
else
PRELOAD := LD_PRELOAD
endif
sanitize: .venv/with-dev
	@$(PY) engine/compiler.py sanitizers >/dev/null
	@echo 'Building the engine with sanitizers'
	@LUCID_SANITIZE=1 $(PY) setup.py -q build --build-lib $(SANITIZE) --build-temp build/sanitize-temp
	@libraries=`$(PY) engine/compiler.py sanitizers` && cd $(SANITIZE) && $(PRELOAD)="$$libraries" \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
	../../$(PY) -m pytest -q --capture=sys -p no:cacheprovider -p no:benchmark $(ARGS) ../../tests/engine \
	../../tests/test_door.py ../../tests/door ../../tests/optim/test_rules.py \
	../../tests/ops/test_attention.py ../../tests/ops/test_recurrent.py ../../tests/ops/test_gates.py

conformance: .venv/with-dev $(ENGINE)
	@$(PY) tests/conformance/run.py $(ARGS)

bench: .venv/with-dev $(ENGINE)
	@$(PY) -m pytest -q -o addopts=--import-mode=importlib --benchmark-only $(ARGS) tests/benchmarks

bench-peers: .venv/with-dev $(ENGINE)
	@$(PY) tests/benchmarks/peers.py $(ARGS)

bench-kernels: .venv/with-dev $(ENGINE)
	@$(PY) tests/benchmarks/kernels.py $(ARGS)

wheel: .venv/ready
	@$(PIP) wheel --no-deps -w dist .
	@ls dist/*.whl

clean:
	rm -rf build dist lucid_mini.egg-info lucid/_engine*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find lucid engine tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

clean-all: clean
	rm -rf .venv

# ---- the environment and the engine: each step is done once, and again when what it depends on has changed ----

CC_ASKED := $(if $(filter default undefined,$(origin CC)),,$(CC))
PROBLEM = $(shell CC='$(CC_ASKED)' sh engine/check.sh '$(PYTHON)')

.venv/ready:
	$(if $(PROBLEM),$(error $(PROBLEM)))
	@echo 'Making an environment in .venv'
	@$(PYTHON) -m venv .venv
	@$(PIP) install 'setuptools>=77' 'cffi>=1.15'
	@touch $@

$(ENGINE): .venv/ready $(ENGINE_SOURCES)
	@echo 'Building the engine'
	@$(PY) setup.py -q build_ext --inplace
	@touch $@

# The engine is built first, in sight, so that pip finds it done. The package is installed editable: it is this folder.
.venv/with-examples: .venv/ready pyproject.toml setup.py | $(ENGINE)
	@echo 'Installing what the examples need'
	@$(PIP) install --no-build-isolation -e '.[examples]'
	@touch $@

.venv/with-dev: .venv/ready pyproject.toml setup.py | $(ENGINE)
	@echo 'Installing what the tests need'
	@$(PIP) install --no-build-isolation -e '.[dev]'
	@touch $@
