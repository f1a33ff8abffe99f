# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The dmag tool to take away: a static program, a tarball, Debian packages.

HELP += tool-static "the dmag tool as a static program, for machines that lack its libraries" \
	dist "a tarball of the last commit, the same for everyone" \
	deb "Debian packages of the tool and of the core as a library" \
	pack-check "tests of these three"
.PHONY: tool-static version dist deb pack-check

P := build/pack
DIST := dmag-$(VERSION)
DEB_ARCH = $(shell dpkg --print-architecture)
PACKAGES = $(P)/dmag_$(VERSION)_$(DEB_ARCH).deb $(P)/libdmag-core-dev_$(VERSION)_$(DEB_ARCH).deb

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

# From the tarball, so that what this folder has besides goes into no package.
deb: dist
	@rm -rf $(P)/$(DIST) $(P)/*.deb
	@tar -C $(P) -xf $(P)/$(DIST).tar.gz
	@echo "deb: building, see $(P)/deb.log"
	@cd $(P)/$(DIST) && dpkg-buildpackage -us -uc -b >../deb.log 2>&1 || \
		{ tail -n 20 ../deb.log; echo "deb: FAILED"; exit 1; }
	@lintian --allow-root --fail-on error,warning $(P)/dmag_$(VERSION)_$(DEB_ARCH).changes || \
		{ echo "deb: FAILED, lintian complains"; exit 1; }
	@echo "deb: $(PACKAGES) are ready, lintian found nothing"

pack-check: $(T)/dmag tool-static deb
	@mkdir -p $(P)
	@tests/run.pl $(foreach t,static dist deb,"env DMAG=$(T)/dmag WORK=$(P)/test-$(t) tests/pack/$(t).sh")
