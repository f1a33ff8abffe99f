# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The front door. What each target does is in mk/.

HELP :=

.DEFAULT_GOAL := help
.PHONY: help clean

include mk/deps.mk
include mk/build.mk
include mk/tool.mk
include mk/pack.mk
include mk/check.mk
include mk/kernel.mk
include mk/guest.mk
include mk/test.mk

help:
	@printf '  make %-32s %s\n' $(HELP) clean "remove what was built, keep the kernel source"

clean:
	@find build -mindepth 1 -maxdepth 1 ! -name 'linux-source-*' -exec rm -rf {} +
