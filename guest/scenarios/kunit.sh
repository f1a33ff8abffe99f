# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# The suites built into the kernel, which run at boot.
#: memory=2G
#: kunit=1

set -- "$debug"/kunit/dmag*
check "dmag's suites ran" [ -d "$1" ]
for suite in "$@"; do
	tail -n 1 "$suite/results" >/tmp/last
	check "${suite##*/} passed" grep -q '^ok ' /tmp/last
	check "${suite##*/} has cases" grep -q '^    ok ' "$suite/results"
done
