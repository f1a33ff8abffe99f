#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# run.sh DIR PROGRAM...: run test programs, print what failed and a sum.
#
# The cases of a program that reports them as cmocka does are counted one by
# one; any other program is one case.  A program that dies is a failed case of
# its own.  A name of the form "RUNNER:PROGRAM" is run under RUNNER (an
# emulator).  As many run at a time as there are processors, two at most.

dir=$1
shift
log=$dir/log
rm -rf "$log"
mkdir -p "$log"

run_one()
{
	prog=${1##*:}
	runner=
	[ "$prog" = "$1" ] || runner=${1%:*}
	out=$log/$(echo "$prog" | tr / -)
	# shellcheck disable=SC2086 # a runner has arguments
	$runner "$prog" >"$out.log" 2>&1
	rc=$?
	ok=$(grep -c '^\[       OK \]' "$out.log")
	bad=$(grep -c '^\[  FAILED  \] [a-z_0-9]*$' "$out.log")
	if [ $rc -eq 0 ]; then
		[ "$ok" -gt 0 ] || ok=1
		bad=0
		echo "ok    $prog: $(tail -n 1 "$out.log")"
	else
		[ "$bad" -gt 0 ] || bad=1
		echo "FAIL  $prog (status $rc), from $out.log:"
		tail -n 40 "$out.log"
	fi
	echo "$ok $bad" >"$out.sum"
}

# Odd ones in the background, even ones here.
half()
{
	which=$1
	shift
	n=0
	for item; do
		n=$((n + 1))
		[ $((n % 2)) -ne "$which" ] || run_one "$item"
	done
}

half 1 "$@" &
half 0 "$@"
wait
cat "$log"/*.sum | awk -v want=$# '
	{ passed += $1; failed += $2 }
	END {
		failed += want - NR
		printf "%d passed, %d failed\n", passed, failed
		exit failed > 0
	}'
