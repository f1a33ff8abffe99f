#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# run.sh DIR PROGRAM...: run test programs, print what failed and a sum.
#
# A cmocka program's cases are counted from its own report; any other program
# is one case.  A program that dies is a failed case of its own.  A name of
# the form "RUNNER:PROGRAM" is run under RUNNER (an emulator).

dir=$1
shift
passed=0
failed=0
mkdir -p "$dir/log"
for item; do
	prog=${item##*:}
	runner=
	[ "$prog" = "$item" ] || runner=${item%:*}
	log=$dir/log/$(echo "$prog" | tr / -).log
	# shellcheck disable=SC2086 # a runner has arguments
	$runner "$prog" >"$log" 2>&1
	rc=$?
	ok=$(grep -c '^\[       OK \]' "$log")
	bad=$(grep -c '^\[  FAILED  \] [a-z_0-9]*$' "$log")
	if [ $rc -eq 0 ]; then
		[ "$ok" -gt 0 ] || ok=1
		bad=0
		echo "ok    $prog: $(tail -n 1 "$log")"
	else
		[ "$bad" -gt 0 ] || bad=1
		echo "FAIL  $prog (status $rc), from $log:"
		tail -n 40 "$log"
	fi
	passed=$((passed + ok))
	failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
