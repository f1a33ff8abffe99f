# SPDX-License-Identifier: (MIT OR GPL-2.0)
# Everything that can be checked.

HELP += test "everything: user space, style, kernels, guests (under an hour)" \
	lint "style and static checks"

.PHONY: test lint

test:
	@scripts/deps.sh user kernel guest lint
	@scripts/test.sh $(STEPS)

lint:
	@scripts/deps.sh kernel lint
	@scripts/lint.sh
