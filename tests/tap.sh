#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# tap.sh COMMAND...: run a program that tells success by its exit status, as one
# TAP case.  The last line that it prints is shown, since a randomised test prints
# its seed there; of a failure all is shown.

lines=1
out=$("$@" 2>&1) && verdict=ok || verdict="not ok" lines=+1
echo "$out" | tail -n "$lines" | sed 's/^/# /'
echo "$verdict 1 - $1"
echo 1..1
