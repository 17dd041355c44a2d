# The commands of this project. Each does all of its own set-up.
#   make build   system packages, .venv, the C++ engine, the Python package     (first time: minutes; then seconds)
#   make test    everything that tells whether it works
#   make demo    the story of a swarm, for real, in this terminal
#   make lint    clang-format, ruff, mypy
#   make wheel   a wheel in dist/
.PHONY: build test lint clean setup ctest pytest layers

BUILD := build/release
PYTHON := .venv/bin/python

setup:
	@scripts/setup.sh

build: setup
	@scripts/build.sh

test: build ctest layers pytest

ctest:
	ctest --test-dir $(BUILD) --output-on-failure -j 2

layers: setup
	$(PYTHON) scripts/check_layers.py

pytest:
	$(PYTHON) -m pytest tests/python

lint: setup
	scripts/lint.sh

clean:
	rm -rf build dist .venv
