# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# How many instructions a pair costs where memory is encrypted, counted as in cost.
#: flavours=none
#: memory=2G
#: cpus=1
#: devices=28 24
#: qemu=-icount shift=0
#: append=cc_test swiotlb=2048 tsc=reliable
#: timeout=150

# shellcheck disable=SC1091 # the guest has it
. /scenarios/cost.sh
