# SPDX-License-Identifier: (MIT OR GPL-2.0)
# Tests in user space: units, models, fuzzing, coverage, benchmarks; the tool's
# own are in mk/tool.mk.
#
# A test is a file: tests/unit/NAME_test.c is a cmocka program,
# tests/model/NAME_model.c a stand-alone randomised one (an argument or SEED in
# the environment is its seed).  Both are run plain, with the sanitizers and the
# core's own assertions, and for two foreign machines; tests/unit/cross/ stands
# in for the libraries that these lack.

HELP += "check [ONLY=frames]" "user-space tests, or those of one part (about a minute)" \
	"bench [RUNS=5]" "what the frame allocator costs, beside a plain buddy (a minute a run, 4 GB)" \
	"fuzz [MINUTES=10]" "fuzz the core" \
	coverage "line and branch coverage of the core; fails below 100 %"

.PHONY: check bench fuzz coverage

FUZZ_CHECK_SECONDS := 8
MINUTES ?= 10
RUNS ?= 5

UNITS := $(basename $(wildcard tests/unit/$(ONLY)*_test.c))
MODELS := $(basename $(wildcard tests/model/$(ONLY)*_model.c))
FUZZERS := $(addprefix $(B)/fuzz/,$(basename $(wildcard tests/fuzz/$(ONLY)*_fuzz.c)))
BENCH := $(if $(ONLY),,$(B)/plain/tests/bench/frames_bench)
EMBED := $(if $(ONLY),,$(B)/plain/embed)

# The example kernel: all but the machine that it is shown on is freestanding.
CFLAGS_examples := -Iexamples/embed
$(B)/plain/examples/embed/kernel.o: CFLAGS_examples += -ffreestanding
$(B)/plain/embed: $(patsubst %.c,$(B)/plain/%.o,$(wildcard examples/embed/*.c)) $(B)/plain/core.a
	@echo '  LD $@'
	$(Q)$(CC_plain) $(LDFLAGS) $^ -o $@

# $(1) flavour, $(2) emulator: the commands that run its units and models
programs = $(addprefix $(B)/$(1)/,$(UNITS) $(MODELS))
commands = $(foreach p,$(UNITS),"$(2) $(B)/$(1)/$(p)") \
	$(foreach p,$(MODELS),"tests/tap.sh $(2) $(B)/$(1)/$(p)")

$(if $(ONLY),,check: $(TOOL_TESTED))
check: $(foreach f,plain san aarch64 powerpc,$(call programs,$(f))) $(FUZZERS) $(EMBED) $(BENCH)
	@tests/run.pl $(call commands,plain) $(call commands,san) \
		$(call commands,aarch64,qemu-aarch64) $(call commands,powerpc,qemu-ppc) \
		$(FUZZERS:%="tests/tap.sh tests/fuzz/run.sh $(FUZZ_CHECK_SECONDS) %") \
		$(EMBED:%="tests/tap.sh %") "tests/unit/freestanding.sh $(B)/freestanding" tests/unit/runner.sh \
		$(if $(ONLY),,$(TOOL_COMMANDS))

fuzz: $(FUZZERS)
	@for f in $(FUZZERS); do tests/fuzz/run.sh $$(($(MINUTES) * 60)) $$f || exit 1; done

bench: $(B)/plain/tests/bench/frames_bench
	@$< $(RUNS)

# With one seed, so that the answer is always the same.
coverage: $(call programs,cov)
	@find $(B)/cov -name '*.gcda' -delete
	@SEED=1 tests/run.pl $(call commands,cov)
	@gcovr -r . --filter 'core/' --object-directory $(B)/cov \
		--exclude-throw-branches --fail-under-line 100 --fail-under-branch 100 \
		--html-details $(B)/cov/report.html -s --branches --txt - $(B)/cov/core
