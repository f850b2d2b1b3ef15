# Every target makes its own virtual environment when there is none.
VENV ?= .venv
PLAN ?= ilrs
SPEED ?= 1000
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export MOONPOST_DATA ?= $(wildcard $(abspath ../shared/data))
# The displays of mission control; without npm everything else still works.
CLIENT := src/moonpost/control/web/static/index.html
CLIENT_IF_NPM := $(if $(shell command -v npm 2>/dev/null),$(CLIENT))

.PHONY: setup demo test quick soak gpu lint bench docs client serve clean
.DEFAULT_GOAL := demo

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Moonpost needs Python 3.11 or later: make PYTHON=/path/to/python3.11"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint]'
	@touch $(READY)

demo: $(READY)  ## study the bundled plan and write out/report.html
	$(BIN)/moonpost study ilrs --out out
	@echo "open out/report.html"

test: $(READY) $(CLIENT_IF_NPM)  ## the whole suite, small samples
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not soak and not gpu"

quick: $(READY)  ## what failed last, else everything, stopping at the first failure
	$(BIN)/python -m pytest -m "not soak and not gpu" -x --ff

soak: $(READY)  ## full sizes of the claims
	MOONPOST_EXPLORE=1 $(BIN)/python -m pytest -m soak

gpu: $(READY)  ## tests and figures on an NVIDIA card
	$(BIN)/python -m pip install --quiet -e '.[gpu]'
	$(BIN)/python -m pytest -m gpu
	$(BIN)/python bench/gpu_maps.py

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/check.py

bench: $(READY)
	$(BIN)/python bench/run.py

docs: $(READY)  ## regenerate the generated pages and schemas
	$(BIN)/python docs/generate.py

serve: $(READY) $(CLIENT_IF_NPM)  ## mission control of the bundled plan in the browser
	$(BIN)/moonpost serve $(PLAN) --data control --speed $(SPEED)

client: $(CLIENT)  ## the displays of mission control; needs Node 18.14 or later

client/node_modules/.ready: client/package.json
	@command -v npm >/dev/null || { echo "The displays need Node 18.14 or later with npm, which are not here: https://nodejs.org. Then run make client again."; exit 1; }
	cd client && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(CLIENT): client/node_modules/.ready $(wildcard client/*.mjs client/src/*)
	node client/build.mjs $(dir $@)

clean:
	rm -rf $(VENV) out client/node_modules $(dir $(CLIENT))
