# SPDX-License-Identifier: (MIT OR GPL-2.0)
# How C for user space is built: one list of flags, one set of rules a flavour.
#
#   build/user/FLAVOUR/DIR/NAME.o	from DIR/NAME.c
#   build/user/FLAVOUR/core.a		the core
#   build/user/FLAVOUR/model.a		the model machine
#   build/user/FLAVOUR/tests/DIR/NAME	a test program
#
# Flavours: plain; san, with sanitizers and the core's own assertions; fuzz, the
# same by clang; cov, with coverage; aarch64 and powerpc (32-bit, big-endian),
# static programs for a user-mode emulator.  The compiler lists the headers that
# an object depends on.

# V=1 shows the commands.
Q := $(if $(V),,@)

B := build/user
VERSION := 0.1.0
CORE := $(wildcard core/*.c)
MODEL := $(filter-out %_model.c,$(wildcard tests/model/*.c))

# CFLAGS_DIR is for the sources of one top folder.
BUILD_FLAGS := -std=gnu11 -g -Wall -Wextra -Wno-unused-parameter -Werror -MMD -MP \
	-Icore -Icore/port -Itests/unit -Itests/model
SANITIZE := -DDMAG_DEBUG -fsanitize=address,undefined -fno-sanitize-recover=all
CFLAGS_core := -ffreestanding
CFLAGS_tool := -D_GNU_SOURCE -DDMAG_VERSION='"$(VERSION)"'
CFLAGS_tests := -D_GNU_SOURCE

CC_plain := $(CC) -O2
CC_san := $(CC) -O2 $(SANITIZE)
CC_fuzz := clang -O1 $(SANITIZE) -fsanitize=fuzzer-no-link
CC_cov := $(CC) -O0 --coverage -D__always_inline=inline
CC_aarch64 := aarch64-linux-gnu-gcc -O2 -static -Itests/unit/cross -DMODEL_ROUNDS=4
CC_powerpc := powerpc-linux-gnu-gcc -O2 -static -Itests/unit/cross -DMODEL_ROUNDS=4
AR_aarch64 := aarch64-linux-gnu-
AR_powerpc := powerpc-linux-gnu-
LDFLAGS_fuzz := -fsanitize=fuzzer
LIBS_plain := -Wl,--as-needed -lcmocka
LIBS_san := $(LIBS_plain)
LIBS_cov := $(LIBS_plain)

# $(1) flavour
define FLAVOUR_RULES
$(B)/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	@echo '  CC $(1) $$<'
	$$(Q)$$(CC_$(1)) $$(BUILD_FLAGS) $$(CFLAGS_$$(firstword $$(subst /, ,$$*))) $$(CPPFLAGS) $$(CFLAGS) -c $$< -o $$@
$(B)/$(1)/core.a: $$(CORE:%.c=$(B)/$(1)/%.o)
$(B)/$(1)/model.a: $$(MODEL:%.c=$(B)/$(1)/%.o)
$(B)/$(1)/core.a $(B)/$(1)/model.a:
	@rm -f $$@
	$$(Q)$$(AR_$(1))ar rcs $$@ $$^
$(B)/$(1)/tests/%: $(B)/$(1)/tests/%.o $(B)/$(1)/model.a $(B)/$(1)/core.a
	@echo '  LD $$@'
	$$(Q)$$(CC_$(1)) $$(LDFLAGS_$(1)) $$(LDFLAGS) $$^ $$(LIBS_$(1)) -o $$@
endef

$(foreach f,plain san fuzz cov aarch64 powerpc,$(eval $(call FLAVOUR_RULES,$(f))))
-include $(shell find $(B) -name '*.d' 2>/dev/null)

# Objects are kept, for the next build.
.SECONDARY:
