# Two commands: `make demo` and `make test`. Each sets everything up first (skipped when done).
PYTHON_BIN := .venv/bin/python

.PHONY: setup demo test test-matrix lint clean

setup:
	@tools/setup.sh

demo: setup
	$(PYTHON_BIN) tools/demo.py

# Files of tests side by side, four at most: some hold 4 GiB.
test: setup lint
	$(PYTHON_BIN) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# The tests of random and trained networks under other seeds, threads, instructions and orders.
test-matrix: setup
	PYTHON=$(PYTHON_BIN) tests/matrix.sh

lint: setup
	$(PYTHON_BIN) -m ruff check .
	$(PYTHON_BIN) -m ruff format --check .
	$(PYTHON_BIN) -m codespell_lib

# Removes what the demo made, not the environment.
clean:
	rm -rf data/shapes work_dirs/demo
