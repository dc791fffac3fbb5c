# Two commands do everything: `make reproduce` and `make test`. Both need only Python 3.11+ and make.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: reproduce test test-cluster check docs docs-serve gpu environment lock clean

reproduce: $(READY)  ## run every smoke protocol and render the report; CIFAR-10 is fetched if there is none
	@./repro.py data verify >/dev/null 2>&1 || ./repro.py data fetch || true
	./repro.py run --all --protocol smoke
	@./repro.py report
	@echo "The report is in results/report: open report.html, or read report.md."

test: $(READY)  ## run the tests; each worker has one core, and a second BLAS thread would spin on another's
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --dist worksteal

test-cluster: $(READY)  ## the tests that need Ray nodes, on this machine
	$(BIN)/python -m pytest -m cluster tests/engines

check: $(READY) docs  ## ruff, strict mypy, the rule that says which room may import which, and the site
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

# Not --quiet, which also hides warnings from --strict. Material's notice of its own end of life is not about a page.
docs: $(READY)  ## build the site in build/site; nothing is downloaded, and a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

docs-serve: $(READY)  ## serve the site at localhost:8000, rebuilt as pages change
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve

gpu: $(READY)  ## on a machine with a GPU: every test that needs one, whole trials and every workload, within ten minutes
	$(BIN)/python -m harness.bench.gpu_suite $(ARGS)

environment: $(READY)

# uv installs the pinned, hashed versions in seconds, pip in minutes. Bytecode is written now: if Python is told
# not to write any, every process would compile torch and this project again, which doubles its start-up time.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11: name a newer one, as in 'make PYTHON=python3.12 $(MAKECMDGOALS)'"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q harness reproductions tests
	@touch $(READY)

lock:  ## renew requirements.lock: every platform and Python, no index address
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --extra test --extra docs --extra cluster --constraint constraints.txt pyproject.toml -o requirements.lock

clean:  ## remove the environment and caches; results stay
	rm -rf .venv build .hypothesis .mypy_cache .pytest_cache .ruff_cache *.egg-info
