# SPDX-License-Identifier: (MIT OR GPL-2.0)
# Everything that can be checked.

HELP += test "everything: user space, style, kernels, guests (under an hour)" \
	lint "style and static checks"

.PHONY: test lint

test:
	@scripts/test.sh $(STEPS)

# A file of the kernel part is checked by the kernel's build.
lint: kernel
	@scripts/lint.sh
