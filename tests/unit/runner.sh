#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# runner.sh: does tests/run.pl count what goes wrong with the programs it runs?
# Speaks TAP.

run=$(dirname "$0")/../run.pl
good=/tmp/runner-$$
trap 'rm -f "$good"' EXIT
# shellcheck disable=SC2016 # for the program to expand
printf '#!/bin/sh\necho 1..1\necho ok 1\nexit "${1:-0}"\n' >"$good"
chmod +x "$good"
cases=0

# counts SUM COMMAND...
counts()
{
	sum=$1
	shift
	cases=$((cases + 1))
	told=$("$run" "$@" 2>&1 | tail -n 1)
	verdict=ok
	[ "$told" = "$sum" ] || verdict="not ok"
	echo "$verdict $cases - $sum"
	[ "$verdict" = ok ] || echo "# it said: $told"
}

counts "1 passed, 0 failed" "$good"
counts "1 passed, 1 failed" "$good 3"
counts "1 passed, 1 failed" "$good" "/nonexistent/program with arguments"
counts "1 passed, 1 failed" "no-such-program" "$good"
counts "0 passed, 1 failed" "$(dirname "$0")"
echo "1..$cases"
