# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The core in user space: tests, fuzzing, coverage, benchmarks.
#
# A test is a file: user/tests/NAME_test.c is a cmocka program,
# user/tests/NAME_model.c a stand-alone randomised one (an argument or SEED in
# the environment is its seed).  Both are built once plain, once with the
# address and undefined-behaviour sanitizers and the core's own assertions.
# The model machine of user/model/ is linked where it is used.

HELP += "check [ONLY=frames]" "user-space tests, or those of one part (under a minute)"

U := build/user$(ONLY:%=-%)
U_CORE := $(wildcard core/$(ONLY)*.c)
U_MACHINE := $(wildcard user/model/*.c)
U_HDR := $(wildcard core/*.h user/port/*.h user/tests/*.h user/model/*.h)
U_TESTS := $(basename $(notdir $(wildcard user/tests/$(ONLY)*_test.c)))
U_MODELS := $(basename $(notdir $(wildcard user/tests/$(ONLY)*_model.c)))
U_WARN := -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Werror
U_INC := -Icore -Iuser/port -Iuser/tests -Iuser/model
U_CFLAGS := $(U_WARN) -O2 -g $(U_INC)
U_SAN := -DDMAG_DEBUG -fsanitize=address,undefined -fno-sanitize-recover=all
U_LIBS_test := -lcmocka
U_LIBS_model :=

.PHONY: check

# $(1) flavour, $(2) compiler and flags, $(3) test or model, $(4) libraries
define U_PROGRAM
$(U)/$(1)/%_$(3): user/tests/%_$(3).c $(U)/$(1)/core.a $(U_HDR)
	$(2) $$< $(U)/$(1)/core.a $(4) -o $$@
endef

define U_FLAVOUR
$(U)/$(1)/core/%.o: core/%.c $(U_HDR)
	@mkdir -p $$(@D)
	$(2) -c $$< -o $$@
$(U)/$(1)/model/%.o: user/model/%.c $(U_HDR)
	@mkdir -p $$(@D)
	$(2) -c $$< -o $$@
$(U)/$(1)/core.a: $(U_CORE:%.c=$(U)/$(1)/%.o) $(U_MACHINE:user/%.c=$(U)/$(1)/%.o)
	@rm -f $$@
	$(3)ar rcs $$@ $$^
endef

$(eval $(call U_FLAVOUR,plain,$(CC) $(U_CFLAGS)))
$(eval $(call U_FLAVOUR,san,$(CC) $(U_CFLAGS) $(U_SAN)))
$(foreach k,test model,$(eval $(call U_PROGRAM,plain,$(CC) $(U_CFLAGS),$(k),$(U_LIBS_$(k)))))
$(foreach k,test model,$(eval $(call U_PROGRAM,san,$(CC) $(U_CFLAGS) $(U_SAN),$(k),$(U_LIBS_$(k)))))

U_RUN := $(foreach f,plain san,$(addprefix $(U)/$(f)/,$(U_TESTS) $(U_MODELS)))

check: $(U_RUN)
	@user/tests/run.sh $(U) $(U_RUN)
