# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The guest's kernel and the patched tree.

FLAVOUR ?= normal
KERNEL_DIR := $(CURDIR)/build/kernel-$(FLAVOUR)
export KERNEL_SRC

HELP += "kernel [FLAVOUR=debug|kcsan|rt]" "build the guest kernel (KERNEL_SRC=DIR: another 6.12 tree)" \
	"kernel-dir" "print the kernel build directory (use make -s)" \
	"patched-tree DIR=PATH" "install dmag into a clean 6.12 tree" \
	"identity" "compare the machine code with CONFIG_DMAG=n and of an unpatched kernel"

# Another goal would do its work with the normal kernel all the same.
CHOSEN_FLAVOUR := $(if $(filter command environment,$(origin FLAVOUR)),$(FLAVOUR))
ifneq ($(CHOSEN_FLAVOUR),)
IGNORES_FLAVOUR := $(filter-out kernel kernel-tree kernel-dir scenario duel,$(MAKECMDGOALS))
$(if $(IGNORES_FLAVOUR),$(error FLAVOUR= means nothing to $(IGNORES_FLAVOUR)))
endif

.PHONY: kernel kernel-tree kernel-dir patched-tree identity

kernel: kernel-tree
	@scripts/kernel.sh build $(FLAVOUR)

kernel-tree:
	@scripts/kernel.sh tree

kernel-dir:
	@echo $(KERNEL_DIR)

patched-tree:
	@test -n "$(DIR)" || { echo "usage: make patched-tree DIR=PATH" >&2; exit 2; }
	@linux/patched-tree.sh install $(DIR)

identity:
	@scripts/identity.sh --self-test
