PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test check bench soak calibrate format lock clean

run: $(READY)  ## the whole loop on this machine, with labelled traffic; Ctrl-C ends it
	@$(BIN)/watchfloor dev --demo

test: $(READY)  ## every test that this machine can run
	@$(BIN)/pytest tests

check: $(READY)  ## what CI runs
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports
	$(BIN)/pytest tests --cov --cov-report=term:skip-covered --cov-fail-under=90

bench: $(READY)  ## throughput of worker and archiver beside other engines, about half an hour
	@$(BIN)/python -m bench --events 1000000 --minutes 40

soak: $(READY)  ## half an hour of faults at random moments, the outcome compared after every round
	@$(BIN)/pytest tests/faults/test_soak.py --minutes 30

calibrate: $(READY)  ## false alarms, power and delay of every detector beside other methods
	@$(BIN)/python -m calibration

format: $(READY)
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock: $(READY)  ## pin every dependency with hashes
	$(BIN)/uv pip compile --system-certs pyproject.toml --all-extras --universal --generate-hashes --no-header --no-emit-index-url -q -o constraints/dev.txt
	$(BIN)/uv pip compile --system-certs pyproject.toml --extra build --universal --generate-hashes --no-header --no-emit-index-url -q -o constraints/runtime.txt

$(READY): constraints/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . && touch $@

clean:
	rm -rf $(VENV) .cache .data
