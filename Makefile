# Two commands on a fresh machine: make demo, make test.
# Without uv on the PATH, setup makes a virtual environment for it in .venv-uv.

UV := $(shell command -v uv 2>/dev/null || echo .venv-uv/bin/uv)
RUN := .venv/bin

.PHONY: setup system demo test check bench chaos clean

setup: .venv/.done

.venv/.done: pyproject.toml uv.lock
	@command -v uv >/dev/null 2>&1 || test -x .venv-uv/bin/uv || \
		(python3 -m venv .venv-uv && .venv-uv/bin/pip install --quiet uv)
	$(UV) sync --quiet --locked --compile-bytecode
	@touch $@

# Programs that no Python package brings; needs root.
system:
	packaging/system-packages

demo: setup
	$(RUN)/anyrig demo

test: setup
	$(RUN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy
	$(RUN)/lint-imports --no-cache

bench: setup
	$(RUN)/python -m bench $(ARGS)

# Random kills for this many seconds, then a tally.
SECONDS ?= 600
chaos: setup
	$(RUN)/python tests/acceptance/chaos.py --seconds $(SECONDS)

clean:
	rm -rf .venv .venv-uv .mypy_cache .ruff_cache .pytest_cache .hypothesis
