# The interface for people: `make help` lists what there is. Every target sets up what it needs; a second run is quick.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

PYTHON ?= python3
# Cargo profile of the extension: `release` is what users get and what every target uses unless told otherwise;
# `make PROFILE=dev-ext test-quick` builds in seconds after an edit.
PROFILE ?= release
# Arguments of pytest for `make asan`, such as a file; empty: everything that uses the extension closely.
ASAN_TESTS ?=
# Seconds for each fuzz target.
FUZZ_SECONDS ?= 10
# Seconds for `make stress`, and the seed to begin with (empty: a new one, which is printed).
SECONDS ?= 600
SEED ?=

# Arguments of `python -m benches.guard` for `make bench-guard`, such as `--only record/` or `--repeat 10`.
GUARD ?=

# Test files run in parallel. Many tests wait, so two a core; laws draw few examples here and a thousand in `make test-laws`.
WORKERS ?= $(shell echo $$((2 * $$(nproc))))
# A worker that dies ends the run: pytest-xdist, which would begin another, waits for ever then if files are not to be divided.
PARALLEL := -n $(WORKERS) --dist loadfile --max-worker-restart 0
QUICK := HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-quick}

# Arguments of an example: `make example-shop ARGS='--seconds 60 --rate 20'`.
ARGS ?=

# What `make bench` measures: README's scenarios, and some more. Empty: the whole suite, twice as long.
BENCH ?= $(addprefix --scenario ,export create encode latency threads memory/queued import columns)

VENV := $(CURDIR)/.venv
STAMPS := build/stamps
WEB := build/web-venv
# The distribution that adds `spanwire bench`.
BENCH_PACKAGE := benches/spanwire_bench
EXAMPLES := build/examples-venv
DOCS := build/docs-venv
export PATH := $(VENV)/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE :=
# One spelling everywhere, or pyo3 is built again whenever the caller changes.
export PYO3_PYTHON := $(VENV)/bin/python
CARGO := cargo
MANIFEST := --manifest-path native/Cargo.toml --locked

NATIVE_SOURCES := $(shell find native -name target -prune -o -path "native/*/fuzz" -prune -o -path native/durable/model -prune -o \
	\( -name '*.rs' -o -name 'Cargo.*' \) -print)
FACADE_SOURCES := $(wildcard python/spanwire/_facade/*.py[xd] python/spanwire/_facade/*.pxi python/spanwire/_facade/*.h)
PEERS := build/peers-venv
PEER_PROGRAMS := opentelemetry-rust fastrace opentelemetry-go opentelemetry-java
PEER_SOURCES := $(shell find benches/peers -type f ! -name '*.md')
PYTHON_SOURCES := $(shell find python -name '*.py')
WHEEL := $(STAMPS)/wheel

.PHONY: help demo example-shop example-worker example-notebook example-kubernetes bench bench-kernels bench-peers peers bench-readme bench-result bench-web bench-guard bench-baseline check check-python test test-quick test-full lint lint-python lint-rust test-rust test-python full-main full-beside \
	test-python-full test-old-kernel test-laws test-bench test-collector test-web test-instrumentations test-examples test-browser test-docs test-wheel test-oldest test-python314 docs config-table instrumentations-table miri neon loom model asan asan-some lsan lsan-some fuzz wheel wheel-pgo sdist deny audit setup clean
.PHONY: faults wheels wheels-cross test-wheels release-check

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- what people run -------------------------------------------------------------------------------------------------

demo: $(STAMPS)/ext-$(PROFILE) ## build and show it: a web shop traced in three ways, what arrived, CPU a span
	spanwire demo

bench: $(STAMPS)/ext-release ## the SDK beside spanwire: a table, build/bench.html, build/bench.json, and whether README's figures are reproduced (5 minutes)
	@mkdir -p build
	@rm -f build/bench.json build/bench.html
	@kept=$$($(VENV)/bin/python benches/readme.py name); [ ! -f "$$kept" ] || set -- --compare "$$kept"; \
		status=0; (set -x; spanwire bench $(BENCH) --json build/bench.json --html build/bench.html "$$@") || status=$$?; \
		[ ! -f build/bench.json ] || $(VENV)/bin/python benches/readme.py reproduced build/bench.json; exit $$status

# Of the peers those that `make bench-peers` has built.
bench-result: $(STAMPS)/ext-release ## the whole suite, and the peers if they are built: kept in benches/results, README's table written from it (5 minutes, with the peers a quarter of an hour; idle machine)
	@mkdir -p build
	@rm -f build/bench.json build/bench.html build/bench-with-peers.json build/bench-with-peers.html
	spanwire bench --json build/bench.json --html build/bench.html
	@set -- build/bench.json; if [ -d build/peers ]; then set -x; \
		spanwire bench --peers --json build/bench-with-peers.json --html build/bench-with-peers.html; set -- "$$@" build/bench-with-peers.json; fi; \
		$(VENV)/bin/python benches/readme.py keep "$$@"

bench-readme: $(STAMPS)/ext-release ## README's table anew from the result that is kept
	$(VENV)/bin/python benches/readme.py write

bench-peers: $(STAMPS)/ext-release peers ## end to end, beside everyone: fastotel, ddtrace, and programs in Rust, Go and Java, all with 512 spans a request
	spanwire bench export --peers --batch 512 --workload W5 --workload W10

bench-kernels: $(STAMPS)/ext-release ## each kernel by instruction set, beside plain code and the best crate, and where it is used (minutes)
	$(CARGO) bench -q $(MANIFEST) -p spanwire-kernels --features std --bench kernels --bench kernels_tried >/dev/null
	$(VENV)/bin/python benches/kernel_table.py
	$(VENV)/bin/python benches/kernels_end_to_end.py

bench-guard: $(STAMPS)/ext-$(PROFILE) ## instructions of the hot paths (callgrind) beside benches/guard/baseline.json: fails where one grew by over 3 %
	ci/setup valgrind
	$(VENV)/bin/python -m benches.guard $(GUARD)

bench-baseline: $(STAMPS)/ext-$(PROFILE) ## accept the instructions as they are now: a change that was meant, or a new toolchain
	ci/setup valgrind
	$(VENV)/bin/python -m benches.guard --accept $(GUARD)

bench-web: $(STAMPS)/ext-release $(STAMPS)/web ## what tracing adds to a request of Flask and FastAPI, in an environment of its own
	$(WEB)/bin/python -m spanwire bench web

example-shop: $(STAMPS)/ext-$(PROFILE) $(STAMPS)/examples ## a web shop of four services with a real PostgreSQL, its traces as trees (examples/shop)
	@ci/setup postgresql
	@$(EXAMPLES)/bin/python -m examples.shop $(ARGS)

example-worker: $(STAMPS)/ext-$(PROFILE) $(STAMPS)/examples ## Celery with a real Redis: tasks retried and scheduled, a worker replaced by SIGTERM (examples/worker)
	@ci/setup redis
	@$(EXAMPLES)/bin/python -m examples.worker $(ARGS)

example-notebook: $(STAMPS)/ext-$(PROFILE) $(STAMPS)/examples ## a file of traces analysed with pandas, as a notebook; its result in build/examples (examples/notebook)
	@$(EXAMPLES)/bin/python -m examples.notebook $(ARGS)

example-kubernetes: $(STAMPS)/ext-$(PROFILE) $(STAMPS)/examples ## manifests of a traced service and the Collector, checked against Kubernetes' schemas (examples/kubernetes)
	@$(EXAMPLES)/bin/python -m examples.kubernetes $(ARGS)

check: lint check-python ## the inner loop: linters, types, and the tests that start no process (under 3 minutes once built)

check-python: $(STAMPS)/ext-$(PROFILE)
	$(QUICK) pytest -q $(PARALLEL) -m 'not process and not slow and not alone and not full' --ignore tests/bench

test: lint test-rust test-python ## lint, Rust tests, Python tests (README snippets too); not the benchmarks' own, which are test-bench

test-quick: $(STAMPS)/ext-$(PROFILE) ## the Python tests that take no time
	$(QUICK) pytest -q $(PARALLEL) -m 'not slow and not full' --ignore tests/bench

test-full: full-main full-beside ## what takes long: the guard of instruction counts, old kernels, the real Collector, web frameworks, a real browser, wheels, the oldest SDK, Miri, loom, AddressSanitizer, fuzzing

# Apart, since they may run beside each other: the second builds in folders of its own.
full-main: test-python-full test-old-kernel bench-guard test-collector test-bench test-python314

full-beside: test-laws test-web test-instrumentations test-examples test-browser test-docs test-wheel test-oldest asan-some lsan-some miri neon loom model fuzz

lint: lint-python lint-rust ## every linter, type checker and formatter, and licences of what we depend on

docs: $(STAMPS)/docs ## the documentation as a site: build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet
	@echo "docs: build/site/index.html"

wheel: $(WHEEL) ## a wheel for this interpreter in dist/

clean: ## remove everything that was built (not the caches outside the checkout)
	rm -rf build dist native/target native/wire/fuzz/target native/json/fuzz/target native/columns/fuzz/target .mypy_cache .ruff_cache .pytest_cache .hypothesis .venv
	rm -rf python/spanwire.egg-info $(BENCH_PACKAGE)/src/spanwire_bench.egg-info $(BENCH_PACKAGE)/build
	find python -name '*.so' -delete

# --- set-up ----------------------------------------------------------------------------------------------------------

# With spanwire-bench in place; its spanwire is the one that is built below.
$(STAMPS)/venv: pyproject.toml $(BENCH_PACKAGE)/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "make: $(PYTHON) is older than Python 3.10; say make PYTHON=/path/to/python3.10" >&2; exit 1; }
	@[ -x $(VENV)/bin/python ] || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -q --upgrade 'pip>=25.1'
	$(VENV)/bin/python -m pip install -q --group dev --group arrow --group newest --group servers --group browser
	$(VENV)/bin/python -m pip install -q --no-build-isolation --no-deps -e $(BENCH_PACKAGE)
	@mkdir -p $(STAMPS) && touch $@

# The compiled halves, in place. One stamp a profile, and building one invalidates the other: the files are the same.
$(STAMPS)/ext-$(PROFILE): $(STAMPS)/venv setup.py $(NATIVE_SOURCES) $(FACADE_SOURCES)
	@command -v $(CARGO) >/dev/null || { echo "make: cargo is missing; install stable Rust (rustup.rs)" >&2; exit 1; }
	@rm -f $(STAMPS)/ext-*
	SETUPTOOLS_RUST_CARGO_PROFILE=$(PROFILE) $(VENV)/bin/python -m pip install -q --no-build-isolation -e '.[cli]'
	@touch $@

# An environment of its own, since ddtrace puts a plugin into every run of pytest beside it; with our SDK's versions, and with
# this checkout's spanwire.
$(STAMPS)/peers: pyproject.toml $(STAMPS)/venv
	$(VENV)/bin/python -m venv --clear --without-pip $(PEERS)
	$(VENV)/bin/python -m pip freeze | grep -E '^opentelemetry-(api|sdk|semantic-conventions)==' > $(PEERS)/constraints.txt
	$(VENV)/bin/python -m pip --python $(PEERS)/bin/python install -q --group peers -c $(PEERS)/constraints.txt
	$(VENV)/bin/python -m pip --python $(PEERS)/bin/python check
	printf '%s\n' $(CURDIR)/python $(CURDIR)/$(BENCH_PACKAGE)/src \
		> $$($(PEERS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/spanwire.pth
	@touch $@

# Whom we are compared with. A program whose toolchain is missing is left out, with a line that says so.
peers: $(STAMPS)/peers $(PEER_PROGRAMS:%=$(STAMPS)/peer-%) ## everything that `bench-peers` compares with, without running it

$(STAMPS)/peer-%: $(PEER_SOURCES)
	@status=0; (set -x; benches/peers/$*/build) || status=$$?; \
		case $$status in 0) mkdir -p $(STAMPS) && touch $@ ;; 3) ;; *) exit $$status ;; esac

ifneq ($(PROFILE),release)
$(STAMPS)/ext-release:
	@$(MAKE) --no-print-directory PROFILE=release $@
endif

# An environment of its own for a group of dependencies; $(1) is its name and $(2) what else is done with it.
define environment
$(STAMPS)/$(1): pyproject.toml $(STAMPS)/venv | $(STAMPS)/ext-$(PROFILE)
	$(VENV)/bin/python -m venv --clear --without-pip build/$(1)-venv
	$(VENV)/bin/python -m pip --python build/$(1)-venv/bin/python install -q --group $(1)
	$(2)
	$(VENV)/bin/python -m pip --python build/$(1)-venv/bin/python check
	@touch $$@
endef

# With this checkout's spanwire; opentelemetry-instrument finds our entry points in the metadata that its installation has left.
purelib = $$$$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
with-spanwire = there=$(call purelib,build/$(1)-venv); echo $(CURDIR)/python > $$$$there/spanwire.pth; \
	cp -r $(call purelib,$(VENV))/spanwire-*.dist-info $$$$there/

# The command `spanwire bench` is found in the metadata of spanwire-bench likewise.
with-bench = there=$(call purelib,build/$(1)-venv); echo $(CURDIR)/$(BENCH_PACKAGE)/src > $$$$there/spanwire_bench.pth; \
	cp -r $(call purelib,$(VENV))/spanwire_bench-*.dist-info $$$$there/

# Web frameworks, libraries and programs of examples/ with their instrumentations, which hold the SDK back at their own release.
$(eval $(call environment,web,$(call with-spanwire,web); $(call with-bench,web)))
$(foreach name,instrumentations examples,$(eval $(call environment,$(name),$(call with-spanwire,$(name)))))

# What makes the site of the documentation.
$(eval $(call environment,docs))

config-table: $(STAMPS)/ext-$(PROFILE) ## the tables of docs/configuration.md anew from spanwire._settings
	$(VENV)/bin/python ci/site/settings_table.py

setup: $(STAMPS)/venv ## programs that the long tests need (Go, valgrind, Chromium): find them or install them
	ci/setup

# --- lint ------------------------------------------------------------------------------------------------------------

lint-python: $(STAMPS)/ext-$(PROFILE)
	ruff check
	ruff format --check
	cython-lint python
	mypy
	$(VENV)/bin/python -m mypy.stubtest spanwire --mypy-config-file pyproject.toml --allowlist ci/stubtest-allow.txt
	shellcheck .ci/run $$(grep -rlE '^#!.*\bbash' ci benches)
	$(VENV)/bin/python ci/make_wire_corpus.py --check
	ci/audit --offline

lint-rust: $(STAMPS)/venv deny
	ci/locks
	$(CARGO) fmt --manifest-path native/Cargo.toml --all --check
	$(CARGO) fmt --manifest-path native/durable/model/Cargo.toml --check
	$(CARGO) fmt --manifest-path native/durable/fuzz/Cargo.toml --check
	$(CARGO) fmt --manifest-path benches/guard/Cargo.toml --check
	$(CARGO) fmt --manifest-path benches/peers/opentelemetry-rust/Cargo.toml --check
	$(CARGO) fmt --manifest-path benches/peers/fastrace/Cargo.toml --check
	@! command -v gofmt >/dev/null || { gofmt -d benches/peers && [ -z "$$(gofmt -l benches/peers)" ]; }
	$(CARGO) clippy -q $(MANIFEST) --workspace --all-targets -- -D warnings
	CARGO_TARGET_DIR=native/target $(CARGO) clippy -q --locked --manifest-path benches/guard/Cargo.toml -- -D warnings

deny: $(STAMPS)/venv ## licences, sources, duplicates and (where its database can be had) advisories of the crates
	ci/deny

audit: $(STAMPS)/venv ## ranges, sources, checksums and licences of all dependencies, and (where PyPI answers) known vulnerabilities
	ci/audit

# --- tests -----------------------------------------------------------------------------------------------------------

# A test that waits for ever ends the run here, and not an hour later; its name is printed by then.
test-rust: $(STAMPS)/venv
	$(CARGO) test -q $(MANIFEST) --workspace --no-run
	timeout 900 $(CARGO) test -q $(MANIFEST) --workspace

test-python: $(STAMPS)/ext-$(PROFILE)
	$(QUICK) timeout 2400 pytest $(PARALLEL) -m 'not full' --ignore tests/bench

test-bench: $(STAMPS)/ext-$(PROFILE) ## the tests of `spanwire bench`, its report, benches/guard and benches/outage: where you change one of them, and in CI
	$(QUICK) pytest $(PARALLEL) -m 'not full' tests/bench

# What has an environment of its own has a target of its own.
HERE := not collector and not web and not instrumentations and not examples and not browser and not docs and not wheel

test-python-full: $(STAMPS)/ext-$(PROFILE) setup peers ## the tests marked `full`
	HYPOTHESIS_PROFILE=full pytest --timeout 900 --durations 10 -m 'full and $(HERE)'

test-laws: $(STAMPS)/ext-$(PROFILE) ## the laws with many more examples than in `make test`
	HYPOTHESIS_PROFILE=full pytest --timeout 900 --durations 10 -m 'law and not full and $(HERE)'

test-collector: $(STAMPS)/ext-$(PROFILE) setup ## spans through the real OpenTelemetry Collector and through Rotel, compared field by field
	ci/collector/build
	ci/rotel/build
	pytest -m collector

test-web: $(STAMPS)/ext-$(PROFILE) $(STAMPS)/web ## the benchmark of web frameworks measures what it says
	pytest -m web tests/bench

test-instrumentations: $(STAMPS)/ext-$(PROFILE) $(STAMPS)/instrumentations ## programs with their official instrumentations, under the SDK and under ours: the same spans; a table
	ci/setup postgresql redis memcached mariadb
	pytest -m instrumentations --timeout 300 tests/instrumentations

instrumentations-table: $(STAMPS)/ext-$(PROFILE) $(STAMPS)/instrumentations ## the same, and its table into docs/compatibility.md
	ci/setup postgresql redis memcached mariadb
	$(VENV)/bin/python -m tests.instrumentations --write

test-examples: $(STAMPS)/ext-$(PROFILE) $(STAMPS)/examples ## the programs of examples/, as their readers run them, with real servers
	ci/setup postgresql redis
	pytest -m examples tests/examples --timeout 300

test-browser: $(STAMPS)/ext-$(PROFILE) ## the HTML report of `spanwire bench` in Chromium: no error, every plot drawn, on any screen and on paper
	ci/setup chromium axe
	pytest -m browser --timeout 300 tests/bench

test-docs: $(STAMPS)/ext-$(PROFILE) $(STAMPS)/docs ## the site: built without a warning, every link and anchor, nothing from other hosts, its search in Chromium
	ci/setup chromium
	pytest -m docs

# The wheel that goes out, for this Python alone. `make wheels` makes one twice, to see the same bytes.
test-wheel: $(STAMPS)/ext-$(PROFILE) ## a manylinux wheel for this Python, in empty environments
	ci/wheels --python $(VENV)/bin/python
	pytest -m wheel

test-wheels: $(STAMPS)/ext-$(PROFILE) wheels ## the wheels of every Python that is found, likewise
	pytest -m wheel

test-oldest: $(WHEEL) ## conformance with the oldest SDK that we support
	ci/oldest

test-python314: ## quick tests on CPython 3.14, in a chroot of Debian's next release (root; minutes)
	ci/python314

# Kernels before 5.14 (RHEL 8, Ubuntu 20.04, Debian 11) refuse a call with which durable queues prepare their files.
test-old-kernel: $(STAMPS)/ext-$(PROFILE) ## the tests of durable queues as on Linux before 5.14
	$(CARGO) test -q $(MANIFEST) -p spanwire-durable --no-run
	timeout 900 ci/old-kernel $(CARGO) test -q $(MANIFEST) -p spanwire-durable
	ci/old-kernel pytest -m 'not full' tests/faults/durable

stress: $(STAMPS)/ext-$(PROFILE) ## threads, forks, flushes, faults and stopped processes at random for SECONDS (600); the books are checked
	$(VENV)/bin/python -m tests.stress --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

# For one: FAULTS="'backend flaps' --protocol grpc --seed 7 --scale 0.2".
faults: $(STAMPS)/ext-$(PROFILE) ## named faults with real processes: the backend, the network, certificates, forks, stops; the books are checked (minutes)
	$(VENV)/bin/python -m tests.faults.delivery $(FAULTS)

miri: ## the readers and writers under Miri, where a nightly toolchain has it
	ci/miri

neon: ## the kernels' tests for AArch64, under qemu's emulation, where it and a cross compiler are
	ci/neon

loom: ## the queue's hand-over between threads, in every order they can take
	ci/loom

model: ## the durable queue's model in every order, and with each defect that is planted in it, which must be found
	CARGO_TARGET_DIR=build/model $(CARGO) clippy -q --locked --release --manifest-path native/durable/model/Cargo.toml -- -D warnings
	CARGO_TARGET_DIR=build/model $(CARGO) run -q --locked --release --manifest-path native/durable/model/Cargo.toml

asan: $(STAMPS)/venv ## the extension, both halves, under AddressSanitizer while the tests use it (a build of its own)
	ci/asan/run $(ASAN_TESTS)

asan-some: $(STAMPS)/venv ## a part of that, for CI
	ci/asan/run --some

lsan: $(STAMPS)/venv ## the same under LeakSanitizer: what of our memory nothing refers to when a process ends
	ci/asan/run --leaks $(ASAN_TESTS)

lsan-some: $(STAMPS)/venv ## a part of that, for CI
	ci/asan/run --leaks --some

fuzz: $(STAMPS)/venv ## every fuzz target for FUZZ_SECONDS (10)
	ci/fuzz $(FUZZ_SECONDS)

# --- packages --------------------------------------------------------------------------------------------------------

# The build's own copies under build/ are removed first: they go stale when the compiler changes. Its metadata stays away from
# python/spanwire.egg-info, which tests that run meanwhile read.
$(WHEEL): $(STAMPS)/venv setup.py $(wildcard buildtools/*.py) MANIFEST.in README.md LICENSE $(NATIVE_SOURCES) $(FACADE_SOURCES) $(PYTHON_SOURCES)
	rm -rf build/lib.* build/temp.* build/bdist.* dist/*.whl
	@mkdir -p build/metadata
	$(VENV)/bin/python -m build -q --wheel --no-isolation -C--global-option=egg_info -C--global-option=--egg-base=build/metadata
	@ls -l dist/*.whl
	@touch $@

# Not in the checkout's build/lib: ci/wheelhouse unpacks an sdist for it. PYTHONS="3.12 /path/to/python" builds for those alone.
wheels: $(STAMPS)/ext-$(PROFILE) ## manylinux wheels for every CPython 3.10 to 3.14 found (PYTHONS=... for others), checked, in wheelhouse/; PGO=1: profile-guided
	ci/wheels --twice quick $(if $(PGO),--pgo)

# Builds them if wheelhouse/ has none of this commit. PGO=1 as above: what was built is one of its lines.
release-check: $(STAMPS)/ext-release ## a release in rehearsal: version, changelog, tag, figures, licences, sdist, wheels; a table, nothing is sent
	ci/wheels release-check fresh || $(MAKE) --no-print-directory wheels
	ci/wheels release-check

wheels-cross: ## wheels for AArch64 and musl, by zig; one for AArch64 checks itself under qemu, where that is; nothing runs the one for musl
	rustup target add aarch64-unknown-linux-gnu x86_64-unknown-linux-musl
	ci/wheels --target aarch64 --target musl
	ci/run-aarch64 wheelhouse/*aarch64.whl

# Compiled twice, the second time by what the benchmarks ran in the first: what releases are made with (docs/performance.md).
wheel-pgo: $(STAMPS)/ext-release ## the wheel of a release: profile-guided, trained by the benchmarks (five minutes)
	ci/pgo

sdist: $(STAMPS)/venv ## the sources as an archive in dist/
	rm -f dist/*.tar.gz
	$(VENV)/bin/python -c 'from ci.wheelhouse import build; build.make_sdist(build.WORK / "sdist-alone")'
	@mkdir -p dist && cp build/wheels/sdist-alone/*.tar.gz dist/ && ls -l dist/*.tar.gz
