# SPDX-License-Identifier: (MIT OR GPL-2.0)
# Everything that can be checked.

HELP += test "everything: user space, style, kernels, guests (under an hour)" \
	test-all "that, and what takes hours: fuzzing, a long soak, all of fresh" \
	lint "style and static checks" \
	"fresh [STEPS=\"GOAL...\"]" "the front door on a minimal Debian 12 (as root; half an hour)" \
	fresh-quick "the same, only what takes a minute or two"

.PHONY: test test-all lint fresh fresh-quick

test:
	@set -f; scripts/test.sh $(STEPS)

test-all: export ALL := 1
test-all: test

# A file of the kernel part is checked by the kernel's build.
lint: kernel
	@scripts/lint.sh

fresh:
	@scripts/fresh.sh $(or $(STEPS),tool check run test)

fresh-quick:
	@scripts/fresh.sh tool quick
