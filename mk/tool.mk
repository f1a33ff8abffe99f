# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The dmag tool: build, tests, boards, installation.

HELP += tool "build the dmag command-line tool"

T := build/tool
TOOL := $(wildcard tool/*.c)
TOOL_LIBS := -lfdt -lm

.PHONY: tool

tool: $(T)/dmag
	@echo "tool: $< is ready"

# $(1) program, $(2) flavour, $(3) flags
define TOOL_PROGRAM
$(T)/$(1): $$(TOOL:%.c=$(B)/$(2)/%.o) $(B)/$(2)/core.a
	@mkdir -p $$(@D)
	@echo '  LD $$@'
	$$(Q)$$(CC_$(2)) $(3) $$(CFLAGS) $$(LDFLAGS) $$^ $$(TOOL_LIBS) -o $$@
endef
$(eval $(call TOOL_PROGRAM,dmag,plain))
$(eval $(call TOOL_PROGRAM,dmag-san,san))
$(eval $(call TOOL_PROGRAM,dmag-static,plain,-static))

# Each test is a script, or random.c, that speaks TAP; all of it is run plain and
# with the sanitizers.
TOOL_TESTS := $(filter-out lib scenarios,$(patsubst tests/tool/%.sh,%,$(wildcard tests/tool/*.sh)))
TOOL_TESTED := $(T)/dmag $(T)/dmag-san $(T)/random
TOOL_COMMANDS := $(foreach d,dmag dmag-san,$(foreach t,$(TOOL_TESTS),\
	"env DMAG=$(T)/$(d) WORK=$(T)/$(d)-$(t) tests/tool/$(t).sh")) $(T)/random

HELP += tool-check "tests of the dmag tool"
.PHONY: tool-check
tool-check: $(TOOL_TESTED)
	@tests/run.pl $(TOOL_COMMANDS)

# Every board in the kernel's source, in one table.
BOARDS_SRC ?= $(or $(KERNEL_SRC),build/linux-source-6.12)
BOARDS_SIZES := 4G 8G 16G 32G 64G
BOARDS_MAIN := 16G

HELP += boards "plan every board of the kernel source, make docs/boards.rst" \
	boards-check "plan the boards of reported failures, and all others" \
	boards-masks "make the table of drivers' DMA masks from the kernel source"
.PHONY: boards boards-check boards-masks boards-dtbs

boards-dtbs:
	@scripts/kernel.sh source >/dev/null
	@scripts/boards.sh $(BOARDS_SRC) build/dtbs 2

boards: boards-dtbs $(T)/dmag
	@for size in $(BOARDS_SIZES); do \
		find build/dtbs -name '*.dtb' | LC_ALL=C sort | \
			xargs -s 1000000 $(T)/dmag plan -q -a $$size --summary >$(T)/boards-$$size.csv || exit 1; \
	done
	@scripts/boards-table.py build/dtbs/ $(BOARDS_MAIN) \
		$(foreach s,$(BOARDS_SIZES),$(s)=$(T)/boards-$(s).csv) >$(T)/boards.rst
	@cp $(T)/boards.rst docs/boards.rst
	@cat docs/boards.rst

boards-check: boards-dtbs $(T)/dmag
	@DMAG=$(T)/dmag WORK=$(T)/scenarios BOARDS=build/dtbs tests/tool/scenarios.sh

# The picture of the README.
docs/pi4.svg: tests/tool/boards/pi4.dts $(T)/dmag
	@dtc -q -o $(T)/pi4.dtb $<
	@$(T)/dmag plan -q -A arm64 --linear --svg $@ $(T)/pi4.dtb >/dev/null

boards-masks:
	@scripts/kernel.sh source >/dev/null
	@mkdir -p $(T)
	@scripts/boards-masks.py $(BOARDS_SRC) >$(T)/masks.inc
	@cp $(T)/masks.inc tool/masks.inc

# The parts that read input, with sanitizers: against an oracle, and fuzzed.
TOOL_INPUT := $(filter-out tool/main.c tool/cmd_%,$(TOOL))
FUZZ_SECONDS ?= 600

FORMAT ?= $(FUZZ_FORMATS)

HELP += "tool-fuzz [FORMAT=log] [FUZZ_SECONDS=600]" "fuzz what the dmag tool reads, each format for so long"
.PHONY: tool-fuzz

$(B)/san/tests/tool/%.o $(B)/fuzz/tests/tool/%.o: CFLAGS_tests += -Itool

$(T)/random: $(TOOL_INPUT:%.c=$(B)/san/%.o) $(B)/san/tests/tool/random.o $(B)/san/core.a
	@echo '  LD $@'
	$(Q)$(CC_san) $^ $(TOOL_LIBS) -o $@

$(T)/fuzz: $(TOOL_INPUT:%.c=$(B)/fuzz/%.o) $(B)/fuzz/tests/tool/fuzz.o $(B)/fuzz/core.a
	@echo '  LD $@'
	$(Q)$(CC_fuzz) $(LDFLAGS_fuzz) $^ $(TOOL_LIBS) -o $@

# A folder of seeds and one of inputs found for each format that fuzz.c knows.
FUZZ_FORMATS := board log record iort srat dsdt dmar ivrs
FUZZ_SEEDS := $(wildcard tests/tool/boards/*.dts tests/tool/logs/*.log tests/tool/boots/*.log tests/tool/records/*.record \
	tests/tool/acpi/*.dsl)

$(T)/seeds: $(FUZZ_SEEDS)
	@mkdir -p $(addprefix $@/,$(FUZZ_FORMATS))
	@cp $(filter %.log,$^) $@/log
	@cp $(filter %.record,$^) $@/record
	@for dts in $(filter %.dts,$^); do \
		dtc -q -o $@/board/$$(basename $$dts .dts).dtb $$dts || exit 1; \
	done
	@for dsl in $(filter %.dsl,$^); do \
		name=$$(basename $$dsl .dsl); \
		iasl -p $@/$$(echo $$name | sed s/ssdt/dsdt/)/$$name $$dsl >/dev/null 2>&1 || exit 1; \
	done
	@touch $@

tool-fuzz: $(T)/fuzz $(T)/seeds
	@for format in $(FORMAT); do \
		echo "tool-fuzz: $$format for $(FUZZ_SECONDS) s"; \
		mkdir -p $(T)/corpus/$$format; \
		(cd $(T) && FORMAT=$$format ./fuzz -max_total_time=$(FUZZ_SECONDS) -max_len=16384 \
			-print_final_stats=1 -timeout=10 corpus/$$format seeds/$$format) || \
			{ echo "verdict: FAILED ($$format)"; exit 1; }; \
	done
	@echo "verdict: ok"

# Installation, with the core as a library for other programs.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include/dmag
MANDIR ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
T_INSTALLED := $(BINDIR)/dmag $(LIBDIR)/libdmag-core.a $(LIBDIR)/pkgconfig/dmag-core.pc \
	$(INCLUDEDIR)/dmag.h $(INCLUDEDIR)/dmag_types.h $(MANDIR)/man1/dmag.1 \
	$(BASHDIR)/dmag $(ZSHDIR)/_dmag $(FISHDIR)/dmag.fish

HELP += "install [PREFIX=/usr/local]" "install dmag, its manual, and the core as a library" \
	"uninstall [PREFIX=/usr/local]" "remove what install put there"
.PHONY: install uninstall

COMPLETIONS := $(addprefix $(T)/completion/,bash zsh fish)
$(COMPLETIONS): $(T)/completion/%: tool/completion.sh tool/completion.awk $(T)/dmag
	@mkdir -p $(@D)
	@tool/completion.sh $(T)/dmag $* >$@.new
	@mv $@.new $@

install: $(T)/dmag $(B)/plain/core.a $(COMPLETIONS)
	install -D -m 755 $(T)/dmag $(DESTDIR)$(BINDIR)/dmag
	install -D -m 644 $(B)/plain/core.a $(DESTDIR)$(LIBDIR)/libdmag-core.a
	install -D -m 644 core/dmag.h $(DESTDIR)$(INCLUDEDIR)/dmag.h
	install -D -m 644 core/port/dmag_types.h $(DESTDIR)$(INCLUDEDIR)/dmag_types.h
	install -D -m 644 tool/dmag.1 $(DESTDIR)$(MANDIR)/man1/dmag.1
	install -D -m 644 $(T)/completion/bash $(DESTDIR)$(BASHDIR)/dmag
	install -D -m 644 $(T)/completion/zsh $(DESTDIR)$(ZSHDIR)/_dmag
	install -D -m 644 $(T)/completion/fish $(DESTDIR)$(FISHDIR)/dmag.fish
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	sed -e 's,@PREFIX@,$(PREFIX),; s,@LIBDIR@,$(LIBDIR),; s,@INCLUDEDIR@,$(INCLUDEDIR),' \
		-e 's,@VERSION@,$(VERSION),' tool/dmag-core.pc.in \
		>$(DESTDIR)$(LIBDIR)/pkgconfig/dmag-core.pc

uninstall:
	rm -f $(addprefix $(DESTDIR),$(T_INSTALLED))
	-rmdir $(DESTDIR)$(INCLUDEDIR)
