# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# The suites built into the kernel, which run at boot.
#: memory=2G
#: kunit=1

results=$(ls /sys/kernel/debug/kunit 2>/dev/null | grep dmag)
check "dmag's suites ran" [ -n "$results" ]
for suite in $results; do
	say "SUITE $suite"
	grep -v '^KTAP' "$debug/kunit/$suite/results"
	check "$suite passed" sh -c "tail -n 1 $debug/kunit/$suite/results | grep -q '^ok '"
	check "$suite has cases" grep -q '^    ok ' "$debug/kunit/$suite/results"
done
