# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The core in user space: tests, fuzzing, coverage, benchmarks.
#
# A test is a file: tests/unit/NAME_test.c is a cmocka program,
# tests/model/NAME_model.c a stand-alone randomised one (an argument or SEED in
# the environment is its seed).  Both are built once plain, once with the
# address and undefined-behaviour sanitizers and the core's own assertions.
# The model machine of tests/model/ is linked where it is used.  Both kinds are
# also built and run for two foreign machines, one of them 32-bit big-endian;
# tests/unit/cross/ stands in for the libraries that are not there.

HELP += "check [ONLY=frames]" "user-space tests, or those of one part (about a minute)" \
	bench "what the frame allocator costs, beside its aims" \
	"fuzz [MINUTES=10]" "fuzz the core" \
	coverage "line and branch coverage of the core; fails below 100 %"

U := build/user$(ONLY:%=-%)
U_CORE := $(wildcard core/$(ONLY)*.c)
U_MACHINE := $(filter-out %_model.c,$(wildcard tests/model/*.c))
U_HDR := $(wildcard core/*.h core/port/*.h tests/unit/*.h tests/model/*.h)
U_TESTS := $(basename $(notdir $(wildcard tests/unit/$(ONLY)*_test.c)))
U_MODELS := $(basename $(notdir $(wildcard tests/model/$(ONLY)*_model.c)))
U_WARN := -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Werror
U_INC := -Icore -Icore/port -Itests/model
U_CFLAGS := $(U_WARN) -O2 -g $(U_INC)
U_SAN := -DDMAG_DEBUG -fsanitize=address,undefined -fno-sanitize-recover=all
U_DIR_test := tests/unit
U_DIR_model := tests/model
U_LIBS_test := -lcmocka
U_LIBS_model :=

U_FUZZ := $(basename $(notdir $(wildcard tests/fuzz/$(ONLY)*_fuzz.c)))
U_FUZZ_SECONDS ?= 8
MINUTES ?= 10
U_FUZZ_CC := clang $(U_WARN) -O1 -g $(U_INC) -DDMAG_DEBUG \
	-fsanitize=address,undefined -fno-sanitize-recover=all
U_CROSS := $(U_WARN) -O2 -g -Itests/unit/cross $(U_INC) -DMODEL_ROUNDS=4

# The objects are wanted again.
.SECONDARY:
.PHONY: check bench fuzz coverage

# $(1) flavour, $(2) compiler and flags, $(3) test or model, $(4) libraries
define U_PROGRAM
$(U)/$(1)/%_$(3): $(U_DIR_$(3))/%_$(3).c $(U)/$(1)/core.a $(U_HDR)
	$(2) $$< $(U)/$(1)/core.a $(4) -o $$@
endef

define U_FLAVOUR
$(U)/$(1)/core/%.o: core/%.c $(U_HDR)
	@mkdir -p $$(@D)
	$(2) -c $$< -o $$@
$(U)/$(1)/model/%.o: tests/model/%.c $(U_HDR)
	@mkdir -p $$(@D)
	$(2) -c $$< -o $$@
$(U)/$(1)/core.a: $(U_CORE:%.c=$(U)/$(1)/%.o) $(U_MACHINE:tests/%.c=$(U)/$(1)/%.o)
	@rm -f $$@
	$(3)ar rcs $$@ $$^
endef

$(eval $(call U_FLAVOUR,plain,$(CC) $(U_CFLAGS)))
$(eval $(call U_FLAVOUR,san,$(CC) $(U_CFLAGS) $(U_SAN)))
$(eval $(call U_FLAVOUR,fuzz,$(U_FUZZ_CC) -fsanitize=fuzzer-no-link))
$(eval $(call U_FLAVOUR,aarch64,aarch64-linux-gnu-gcc $(U_CROSS),aarch64-linux-gnu-))
$(eval $(call U_FLAVOUR,powerpc,powerpc-linux-gnu-gcc $(U_CROSS),powerpc-linux-gnu-))
$(foreach k,test model,$(eval $(call U_PROGRAM,plain,$(CC) $(U_CFLAGS),$(k),$(U_LIBS_$(k)))))
$(foreach k,test model,$(eval $(call U_PROGRAM,san,$(CC) $(U_CFLAGS) $(U_SAN),$(k),$(U_LIBS_$(k)))))
$(foreach m,aarch64 powerpc,$(foreach k,test model,\
	$(eval $(call U_PROGRAM,$(m),$(m)-linux-gnu-gcc $(U_CROSS) -static,$(k)))))

$(U)/fuzz/%_fuzz: tests/fuzz/%_fuzz.c $(U)/fuzz/core.a $(U_HDR)
	$(U_FUZZ_CC) -fsanitize=fuzzer $< $(U)/fuzz/core.a -o $@

# The example kernel: all but the machine that it is shown on is freestanding.
$(eval $(call U_FLAVOUR,embed,$(CC) $(U_CFLAGS) -ffreestanding))
$(U)/embed/embed: $(wildcard examples/embed/*.[ch]) $(U)/embed/core.a
	$(CC) $(U_CFLAGS) -ffreestanding -c examples/embed/kernel.c -o $(@D)/kernel.o
	$(CC) $(U_CFLAGS) examples/embed/main.c $(@D)/kernel.o $(U)/embed/core.a -o $@

U_PROGRAMS := $(U_TESTS) $(U_MODELS)
U_RUN := $(foreach f,plain san,$(addprefix $(U)/$(f)/,$(U_PROGRAMS)))
U_RUN_aarch64 := $(addprefix $(U)/aarch64/,$(U_PROGRAMS))
U_RUN_powerpc := $(addprefix $(U)/powerpc/,$(U_PROGRAMS))
U_RUN_fuzz := $(addprefix $(U)/fuzz/,$(U_FUZZ))
U_RUN_embed := $(if $(ONLY),,$(U)/embed/embed)

# The two halves run side by side; the sum comes last.
check: $(U_RUN) $(U_RUN_embed) $(U_RUN_aarch64) $(U_RUN_powerpc) $(U_RUN_fuzz)
	@tests/unit/run.sh $(U) $(U_RUN) $(U_RUN_embed) \
		"tests/unit/freestanding.sh:$(U)/freestanding" \
		$(U_RUN_aarch64:%=qemu-aarch64:%) \
		$(U_RUN_powerpc:%=qemu-ppc:%) \
		$(U_RUN_fuzz:%="tests/fuzz/run.sh $(U_FUZZ_SECONDS):%")

fuzz: $(U_RUN_fuzz)
	@for f in $(U_RUN_fuzz); do tests/fuzz/run.sh $$(($(MINUTES) * 60)) $$f || exit 1; done

bench: $(U)/bench
	@$(U)/bench

$(U)/bench: tests/bench/frames_bench.c $(U)/plain/core.a $(U_HDR)
	$(CC) $(U_CFLAGS) $< $(U)/plain/core.a -o $@

# With one seed, so that the answer is always the same.
$(eval $(call U_FLAVOUR,cov,$(CC) $(U_CFLAGS) -O0 --coverage -ffreestanding -D__always_inline=inline))
$(foreach k,test model,$(eval $(call U_PROGRAM,cov,$(CC) $(U_CFLAGS) -O0 --coverage,$(k),$(U_LIBS_$(k)))))

U_RUN_cov := $(addprefix $(U)/cov/,$(U_PROGRAMS))

coverage: $(U_RUN_cov)
	@find $(U)/cov -name '*.gcda' -delete
	@SEED=1 tests/unit/run.sh $(U) $(U_RUN_cov)
	@gcovr -r . --filter 'core/' --object-directory $(U)/cov \
		--exclude-throw-branches --fail-under-line 100 --fail-under-branch 100 \
		--html-details $(U)/cov/report.html -s --branches --txt - $(U)/cov/core
