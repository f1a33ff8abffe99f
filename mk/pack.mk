# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The dmag tool to take away: a static program, a tarball.

HELP += tool-static "the dmag tool as a static program, for machines that lack its libraries" \
	dist "a tarball of the last commit, the same for everyone" \
	pack-check "tests of both"
.PHONY: tool-static version dist pack-check

P := build/pack
DIST := dmag-$(VERSION)

tool-static: $(T)/dmag-static
	@! readelf -lW $< | grep -q INTERP || { echo "tool-static: $< is not static" >&2; exit 1; }
	@echo "tool-static: $< is ready, $$(stat -c %s $<) bytes, statically linked"

version:
	@echo $(VERSION)

# git orders the files, and gives them the time of the commit.
dist:
	@mkdir -p $(P)
	@git archive --format=tar --prefix=$(DIST)/ HEAD >$(P)/$(DIST).tar
	@gzip -9nf $(P)/$(DIST).tar
	@[ -z "$$(git status --porcelain)" ] || echo "dist: uncommitted changes are not part of it"
	@echo "dist: $(P)/$(DIST).tar.gz is ready, SHA-256 $$(sha256sum <$(P)/$(DIST).tar.gz | cut -c 1-64)"

pack-check: $(T)/dmag tool-static dist
	@mkdir -p $(P)
	@tests/run.pl $(foreach t,static dist,"env DMAG=$(T)/dmag WORK=$(P)/test-$(t) tests/pack/$(t).sh")
