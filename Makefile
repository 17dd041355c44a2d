# The commands of this project. Each does all of its own set-up.
#   make quick   a verdict on what changed, within a minute; make check-all: everything that this project knows to ask
#   make build   system packages, .venv, the C++ engine, the Python package     (first time: minutes; then seconds)
#   make test    everything that tells whether it works
#   make clients more of it, with a browser, pandas and an old docker CLI, which it installs
#   make demo    the story of a swarm, for real, in this terminal
#   make bench   how fast it is, one table; ONLY=NAME for one line, PEERS=1 installs nginx and haproxy to compare
#   make lint    clang-format, ruff, mypy
#   make wheel   a self-contained wheel in dist/; make wheels: one for each Python that is found, 3.11 to 3.13
#   make compilers  the simulator by clang, too: every seed has the same trace
#   make sanitize  unit tests, stories and some seeds under clang's checks of memory and undefined behaviour; make threads:
#                  cpp/real and a daemon under load, under its check for races; make tidy: clang-tidy; make coverage (OF=cpp)
#   make teeth     mistakes on purpose in the engine, one after the other: the simulator must find each (OF=raft, QUICK=1)
#   make crash     a crash at every disk operation of each workload, reopened and checked: SEEDS=16, ROCKS=400
#   make fuzz      what reads bytes of strangers, under libFuzzer: SECONDS_EACH=60, RUNS=10000000, OF=frame
#   make extremes  the simulator's share of make sanitize: every number at its extremes, and some seeds
#   make pins    the trace hashes that tests/seeds/pinned.txt pins, anew
# Parts of `make test`, after a build: ctest, layers, simulation, pytest.
.PHONY: quick check-all build test clients demo bench lint wheel wheels compilers extremes example-kind sanitize fuzz teeth crash threads tidy coverage pins clean setup ctest layers simulation pytest

BUILD := build/release
BIN := .venv/bin
SEEDS ?= 500

setup:
	@scripts/setup.sh

build: setup
	@scripts/build.sh

# One after the other, also under `make -j`: the parts share two cores and loopback addresses.
test: build
	@$(MAKE) --no-print-directory ctest
	@$(MAKE) --no-print-directory layers
	@$(MAKE) --no-print-directory pytest

ctest:
	ctest --test-dir $(BUILD) --output-on-failure -j 2

layers:
	$(BIN)/python scripts/check_layers.py

# Layers, dead declarations, function sizes, the look of changed files, and the tests nearest to them.
quick: setup
	@$(BIN)/python scripts/quick.py

# CI's share is .ci/run; this is all of it. One after the other: the parts share two cores and loopback addresses.
check-all: build
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory tidy
	@$(MAKE) --no-print-directory compilers SEEDS=500
	@$(MAKE) --no-print-directory example-kind
	@$(MAKE) --no-print-directory sanitize SEEDS=100
	@$(MAKE) --no-print-directory fuzz
	@$(MAKE) --no-print-directory teeth
	@$(MAKE) --no-print-directory crash
	@$(MAKE) --no-print-directory threads
	@$(MAKE) --no-print-directory clients
	@$(MAKE) --no-print-directory coverage

# By itself, and with as many seeds as you like (ctest runs it with 500): stories with a known trace, then chaos,
# every seed twice with equal trace hash.
simulation:
	$(BIN)/swarm_scenario tests/scenarios/*.txt
	$(BIN)/swarm_sim --seeds $(SEEDS) --twice

# Also the story by the stock docker CLI where one is installed, kill -9 rounds, and the README's commands.
pytest:
	$(BIN)/python -m pytest tests/python

clients: build
	@scripts/clients.sh

demo:
	@scripts/demo.sh

bench: build
ifdef PEERS
	@scripts/peers.sh
endif
	@$(BIN)/python -m bench $(ONLY)

lint: setup
	@scripts/lint.sh

compilers: build
	@scripts/compilers.sh

# What one more kind of object costs, and that it lives as every kind does.
example-kind: setup
	@.venv/bin/python scripts/example_kind.py

extremes: setup
	@scripts/sanitizers.sh core

sanitize: setup
	@scripts/sanitizers.sh

crash: build
	@scripts/crash.sh

fuzz: setup
	@scripts/fuzz.sh $(OF)

teeth: setup
	@.venv/bin/python scripts/teeth.py $(if $(QUICK),--quick) $(OF)

threads: build
	@scripts/threads.sh

tidy: setup
	@scripts/tidy.sh

coverage: setup
	@scripts/coverage.sh $(OF)

pins: build
	@$(BIN)/swarm_sim --pinned tests/seeds/pinned.txt --renew

wheel: build
	@scripts/wheel.sh

wheels: build
	@scripts/wheels.sh

clean:
	rm -rf build dist .venv python/swarmpy/bin python/swarmpy/*.so
