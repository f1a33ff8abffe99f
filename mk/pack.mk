# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The dmag tool to take away: a static program.

HELP += tool-static "the dmag tool as a static program, for machines that lack its libraries" \
	pack-check "tests of it"
.PHONY: tool-static pack-check

P := build/pack

tool-static: $(T)/dmag-static
	@! readelf -lW $< | grep -q INTERP || { echo "tool-static: $< is not static" >&2; exit 1; }
	@echo "tool-static: $< is ready, $$(stat -c %s $<) bytes, statically linked"

pack-check: $(T)/dmag tool-static
	@mkdir -p $(P)
	@tests/run.pl $(foreach t,static,"env DMAG=$(T)/dmag WORK=$(P)/test-$(t) tests/pack/$(t).sh")
