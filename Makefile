# The front door. CMake does the work; `cmake --list-presets` shows the other builds.
.PHONY: all build demo test test-all sanitize sanitize-thread fuzz bench operators install format clean
.DEFAULT_GOAL := build

BUILD = build
PRESET = release
DEMO = nnpeek-demo

build:
	@scripts/setup.sh build
	@cmake --preset $(PRESET) -DBUILD_TESTING=OFF >/dev/null
	@cmake --build $(BUILD)

# Builds, and runs the main job: on MNIST under $$NNPEEK_DATA, else on built-in data.
demo: build
	@$(BUILD)/nnpeek demo -o $(DEMO)

test:
	@scripts/test.sh

# With the long tests, and the unit tests under the thread sanitizer.
test-all:
	@scripts/test.sh all

# Unit tests under the address and undefined-behaviour sanitizers alone.
sanitize:
	@scripts/test.sh sanitize

# Unit tests under the thread sanitizer: clang, its OpenMP, and Archer. A quarter of an hour on two cores.
sanitize-thread:
	@scripts/test.sh sanitize-thread

# Every fuzz target for FUZZ_SECONDS, one after another; FUZZ="npy json" for some. What is found stays in build-fuzz/found/.
fuzz:
	@scripts/setup.sh fuzz
	@scripts/fuzz.sh

# Speed against peers, in one run; tables and plot go to docs/ by hand, with the machine. About an hour; --quick is two minutes.
bench:
	@scripts/setup.sh bench
	@cmake --preset $(PRESET) -DBUILD_TESTING=OFF >/dev/null
	@cmake --build $(BUILD) --target all roofline nnpeek_oracle
	@$(BUILD)/bench/roofline --kernels
	@NNPEEK_LIBRARY=$(CURDIR)/$(BUILD)/libnnpeek.so NNPEEK_ORACLE=$(CURDIR)/$(BUILD)/oracle /usr/bin/python3 bench/network.py
	@NNPEEK=$(CURDIR)/$(BUILD)/nnpeek /usr/bin/python3 bench/train.py
	@NNPEEK=$(CURDIR)/$(BUILD)/nnpeek /usr/bin/python3 bench/fit.py \
		-o $(BUILD)/bench-fit.json --plot $(BUILD)/bench-fit.svg

# docs/operators.md, from the table of operators.
operators:
	@cmake --preset $(PRESET) -DBUILD_TESTING=ON >/dev/null
	@cmake --build $(BUILD) --target operators
	@$(BUILD)/tests/operators > docs/operators.md

install: build
	@cmake --install $(BUILD)

format:
	@clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	@rm -rf build build-debug build-address build-thread build-fuzz
