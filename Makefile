# Everything here works on a clean clone: what a target needs, tools/setup.sh brings first (under 1 s when
# it is there already). Paths are relative, for the folder's name may hold spaces.
.DEFAULT_GOAL := help
.PHONY: help setup venv servers demo test check lock truth bench clean
python = .venv/bin/python
code = commands pytest_harness results analysis probes load drive reports stack scenarios tests $(wildcard benchmarks/*.py) $(wildcard harness.py)

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

demo: setup ## bring the stack up, put a ramp of load on it, write the report, take it down
	@.venv/bin/harness demo

test: setup ## all tests, with the real servers; pages are looked at in Chromium where it can be had
	@tools/setup.sh --with-browser
	@PATH="$$PWD/.venv/bin:$$PATH" $(python) -m pytest -m "not truth" $(TESTS)

check: setup ## ruff and mypy --strict
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy --strict $(code)

truth: setup ## the long proof: the statistics against known answers, many times over
	@$(python) -m pytest -m truth

bench: setup ## how fast the harness is, beside its peers: a table in runs/benchmarks.md, under 5 minutes
	@tools/setup.sh --with-peers
	@$(python) -m benchmarks --output runs/benchmarks.md

lock: setup ## pin the packages of pyproject.toml again, with hashes
	@$(python) -m pip install -q uv
	@$(python) -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links pyproject.toml --group dev -o requirements.lock

setup: ## the virtual environment and the server programs, all inside this folder
	@tools/setup.sh

venv servers: setup

clean: ## stop the stacks and remove what set-up and runs of it made; runs/ is kept
	@if [ -x .venv/bin/harness ]; then for name in $$(ls .harness/stacks 2>/dev/null); do .venv/bin/harness down --name "$$name"; done; fi
	@rm -rf .venv .servers .harness .pytest_cache .mypy_cache .ruff_cache .hypothesis
