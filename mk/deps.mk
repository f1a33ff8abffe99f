# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The Debian packages that the goals of this call need, installed before
# anything is built. scripts/deps.sh has the table. make -n installs nothing.

ifeq (,$(findstring n,$(firstword -$(MAKEFLAGS))))
$(shell KERNEL_SRC='$(KERNEL_SRC)' scripts/deps.sh $(MAKECMDGOALS))
ifneq (0,$(.SHELLSTATUS))
$(error packages are missing)
endif
endif
