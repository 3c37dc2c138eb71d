PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
KAFKA_TESTS := tests/integration tests/faults

.PHONY: run test check bench format lock clean

run: $(READY)  ## the whole loop on this machine, with labelled traffic; Ctrl-C ends it
	@$(BIN)/watchfloor dev --demo

test: $(READY)  ## every test that this machine can run
	@$(BIN)/pytest tests

check: $(READY)  ## what CI runs
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests --cov --cov-report=term:skip-covered --cov-fail-under=90

bench: $(READY)  ## throughput of worker and archiver
	@$(BIN)/python -m bench

format: $(READY)
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock: $(READY)  ## pin every dependency with hashes
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --generate-hashes --no-header --no-emit-index-url -q -o constraints/dev.txt
	$(BIN)/uv pip compile pyproject.toml --extra build --universal --generate-hashes --no-header --no-emit-index-url -q -o constraints/runtime.txt

$(READY): constraints/dev.txt pyproject.toml
	@echo "setting up $(VENV): some 100 packages, about a minute"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) .cache .data
