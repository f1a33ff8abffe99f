# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# The suites built into the kernel, which run at boot. One warns of a group that it
# breaks on purpose, which has the number 0.
#: memory=2G
#: flavours=normal debug rt
#: kunit=1
#: append=init_on_free=1 page_owner=on
#: allow=dmag: group 0 is broken$|WARNING: CPU: \d+ PID: \d+ at (\S*dmag/tests/reserve_test\.c:\d+ )?test_broken\+|Call Trace:

set -- "$debug"/kunit/dmag*
check "dmag's suites ran" [ -d "$1" ]
for suite in "$@"; do
	tail -n 1 "$suite/results" >/tmp/last
	check "${suite##*/} passed" grep -q '^ok ' /tmp/last
	check "${suite##*/} has cases" grep -q '^    ok ' "$suite/results"
done
