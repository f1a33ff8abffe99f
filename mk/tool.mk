# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The dmag tool: build, tests, boards, installation.

HELP += tool "build the dmag command-line tool"

T := build/tool
T_VERSION := 0.1
T_SRC := $(wildcard tool/*.c)
T_HDR := $(wildcard tool/*.h tool/*.inc core/*.h core/port/*.h)
T_CFLAGS := -std=gnu11 -Wall -Wextra -Werror -O2 -g -D_GNU_SOURCE \
	-DDMAG_VERSION='"$(T_VERSION)"' -Icore -Icore/port -Itool

.PHONY: tool

tool: $(T)/dmag

$(T)/plain/%.o: %.c $(T_HDR)
	@mkdir -p $(@D)
	$(CC) $(T_CFLAGS) $(CFLAGS) -c $< -o $@

$(T)/dmag: $(T_SRC:%.c=$(T)/plain/%.o) $(T)/libdmag-core.a
	$(CC) $(LDFLAGS) $^ -lfdt -lm -o $@

$(T)/libdmag-core.a: $(patsubst %.c,$(T)/plain/%.o,$(wildcard core/*.c))
	@rm -f $@
	ar rcs $@ $^

# Each test is a script that prints what failed and a sum.
T_TESTS := $(filter-out %/lib.sh %/guest.sh %/scenarios.sh,$(wildcard tests/tool/*.sh))

HELP += tool-check "tests of the dmag tool"
.PHONY: tool-check
check: tool-check
tool-check: $(T_TESTS:tests/tool/%.sh=$(T)/%.ok) $(T_TESTS:tests/tool/%.sh=$(T)/san/%.ok)

# $(1) directory, $(2) program: the tests, and again with the sanitizers.
define T_CHECK
$(1)/%.ok: tests/tool/%.sh tests/tool/lib.sh $(wildcard tests/tool/boards/*) $(2)
	@mkdir -p $$(@D)
	@DMAG=$(2) WORK=$(1)/$$* $$< >$$@.log 2>&1 && \
		echo "ok    $(1)/$$*: $$$$(tail -n 1 $$@.log)" || { echo "FAIL  $(1)/$$*:"; cat $$@.log; exit 1; }
	@mv $$@.log $$@
endef
$(eval $(call T_CHECK,$(T),$(T)/dmag))
$(eval $(call T_CHECK,$(T)/san,$(T)/dmag-san))

# Every board in the kernel's source, in one table.
BOARDS_SRC ?= $(or $(KERNEL_SRC),build/linux-source-6.12)
BOARDS_SIZES := 4G 8G 16G 32G 64G
BOARDS_MAIN := 16G

HELP += boards "plan every board of the kernel source, make docs/boards.rst" \
	boards-check "plan the boards of reported failures, and all others" \
	boards-masks "make the table of drivers' DMA masks from the kernel source"
.PHONY: boards boards-check boards-masks boards-dtbs

boards-dtbs:
	@scripts/boards.sh $(BOARDS_SRC) build/dtbs 2

boards: boards-dtbs $(T)/dmag
	@for size in $(BOARDS_SIZES); do \
		find build/dtbs -name '*.dtb' | LC_ALL=C sort | \
			xargs -n 100000 $(T)/dmag plan -q -a $$size --summary >$(T)/boards-$$size.csv || exit 1; \
	done
	@scripts/boards-table.py build/dtbs/ $(BOARDS_MAIN) \
		$(foreach s,$(BOARDS_SIZES),$(s)=$(T)/boards-$(s).csv) >$(T)/boards.rst
	@cp $(T)/boards.rst docs/boards.rst
	@cat docs/boards.rst

boards-check: boards-dtbs $(T)/dmag
	@DMAG=$(T)/dmag WORK=$(T)/scenarios BOARDS=build/dtbs tests/tool/scenarios.sh

boards-masks:
	@scripts/boards-masks.py $(BOARDS_SRC) >$(T)/masks.inc
	@cp $(T)/masks.inc tool/masks.inc

# The parts that read input, with sanitizers: against an oracle, and fuzzed.
T_LIB := $(filter-out tool/main.c tool/cmd_%,$(T_SRC)) $(wildcard core/*.c)
T_SAN := -DDMAG_DEBUG -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_SECONDS ?= 600

HELP += "tool-fuzz [FUZZ_SECONDS=600]" "fuzz the dmag tool with device trees"
.PHONY: tool-fuzz

$(T)/san/%.o: %.c $(T_HDR)
	@mkdir -p $(@D)
	$(CC) $(T_CFLAGS) -O1 $(T_SAN) -c $< -o $@

$(T)/dmag-san: $(T_SRC:%.c=$(T)/san/%.o) $(patsubst %.c,$(T)/san/%.o,$(wildcard core/*.c))
	$(CC) $(T_SAN) $^ -lfdt -lm -o $@

$(T)/random: $(T_LIB:%.c=$(T)/san/%.o) $(T)/san/tests/tool/random.o
	$(CC) $(T_SAN) $^ -lfdt -lm -o $@

$(T)/random.ok: $(T)/random
	@$< >$@.log 2>&1 && echo "ok    $<: $$(tail -n 1 $@.log)" || { cat $@.log; exit 1; }
	@mv $@.log $@

tool-check: $(T)/random.ok

$(T)/fuzz: $(T_LIB) tests/tool/fuzz.c $(T_HDR)
	clang $(T_CFLAGS) -O1 -DDMAG_DEBUG -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all $(T_LIB) tests/tool/fuzz.c -lfdt -lm -o $@

$(T)/seeds: $(wildcard tests/tool/boards/*.dts)
	@mkdir -p $@
	@for dts in $^; do dtc -q -o $@/$$(basename $$dts .dts).dtb $$dts || exit 1; done
	@touch $@

tool-fuzz: $(T)/fuzz $(T)/seeds
	@mkdir -p $(T)/corpus
	cd $(T) && ./fuzz -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -print_final_stats=1 -timeout=10 \
		corpus seeds

# In the guest: what the tool predicts is what the kernel then does.
HELP += tool-guest "compare dmag plan --live with dmag show in the guest"
.PHONY: tool-guest

$(T)/dmag-static: $(T_SRC:%.c=$(T)/plain/%.o) $(T)/libdmag-core.a
	$(CC) $(LDFLAGS) -static $^ -lfdt -lm -o $@

tool-guest: $(T)/dmag-static kernel
	@flock build/initramfs.lock guest/initramfs.sh normal
	@tests/tool/guest.sh $(T)/dmag-static build/kernel-normal \
		build/driver-normal/dmag_edu.ko $(T)/guest

# Installation, with the core as a library for other programs.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include/dmag
MANDIR ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
T_INSTALLED := $(BINDIR)/dmag $(LIBDIR)/libdmag-core.a $(LIBDIR)/pkgconfig/dmag-core.pc \
	$(INCLUDEDIR)/dmag.h $(INCLUDEDIR)/dmag_port.h $(MANDIR)/man1/dmag.1 \
	$(COMPLETIONDIR)/dmag

HELP += "install [PREFIX=/usr/local]" "install dmag, its manual, and the core as a library" \
	"uninstall [PREFIX=/usr/local]" "remove what install put there"
.PHONY: install uninstall

install: $(T)/dmag $(T)/libdmag-core.a
	install -D -m 755 $(T)/dmag $(DESTDIR)$(BINDIR)/dmag
	install -D -m 644 $(T)/libdmag-core.a $(DESTDIR)$(LIBDIR)/libdmag-core.a
	install -D -m 644 core/dmag.h $(DESTDIR)$(INCLUDEDIR)/dmag.h
	install -D -m 644 core/port/dmag_port.h $(DESTDIR)$(INCLUDEDIR)/dmag_port.h
	install -D -m 644 tool/dmag.1 $(DESTDIR)$(MANDIR)/man1/dmag.1
	install -D -m 644 tool/dmag.bash $(DESTDIR)$(COMPLETIONDIR)/dmag
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	sed -e 's,@PREFIX@,$(PREFIX),; s,@LIBDIR@,$(LIBDIR),; s,@INCLUDEDIR@,$(INCLUDEDIR),' \
		-e 's,@VERSION@,$(T_VERSION),' tool/dmag-core.pc.in \
		>$(DESTDIR)$(LIBDIR)/pkgconfig/dmag-core.pc

uninstall:
	rm -f $(addprefix $(DESTDIR),$(T_INSTALLED))
	-rmdir $(DESTDIR)$(INCLUDEDIR)
