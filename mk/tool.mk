# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The dmag tool: build, tests, boards, installation.

HELP += tool "build the dmag command-line tool"

T := build/tool
T_VERSION := 0.1
T_SRC := $(wildcard user/tool/*.c)
T_HDR := $(wildcard user/tool/*.h user/tool/*.inc core/*.h user/port/*.h)
T_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -O2 -g -D_GNU_SOURCE \
	-DDMAG_VERSION='"$(T_VERSION)"' -Icore -Iuser/port -Iuser/tool

.PHONY: tool

tool: $(T)/dmag

$(T)/plain/%.o: %.c $(T_HDR)
	@mkdir -p $(@D)
	$(CC) $(T_CFLAGS) $(CFLAGS) -c $< -o $@

$(T)/dmag: $(T_SRC:%.c=$(T)/plain/%.o) $(T)/libdmag-core.a
	$(CC) $(LDFLAGS) $^ -lfdt -o $@

$(T)/libdmag-core.a: $(patsubst %.c,$(T)/plain/%.o,$(wildcard core/*.c))
	@rm -f $@
	ar rcs $@ $^

# Each test is a script that prints what failed and a sum.
T_TESTS := $(filter-out %/tool_lib.sh,$(wildcard user/tests/tool_*.sh))

HELP += tool-check "tests of the dmag tool"
.PHONY: tool-check
check: tool-check
tool-check: $(T_TESTS:user/tests/%.sh=$(T)/%.ok)

$(T)/%.ok: user/tests/%.sh user/tests/tool_lib.sh $(wildcard user/tests/tool_boards/*) $(T)/dmag
	@DMAG=$(T)/dmag WORK=$(T)/$* $< || { echo "FAIL  $<"; exit 1; }
	@touch $@
