#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Boot scenarios with groups and with stock Linux (dmag=off), and print a table.
#
#   compare.sh [SCENARIO...]	those with flavours=compare if none is named
#
# Succeeds if groups got what each row asks of them, if stock failed wherever it
# is said to (else the load proved nothing), and if neither kernel complained.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
log=${LOG_DIR:-$top/build/log}
status=0
mkdir -p "$log"
# shellcheck disable=SC2046 # one name a word
[ $# -gt 0 ] || set -- $("$top/guest/run.sh" --list compare)

available_gib()
{
	awk '$1 == "MemAvailable:" { print int($2 / 1048576) }' /proc/meminfo
}

# Side by side if the host has room for both.
jobs=1
[ "$(available_gib)" -lt 14 ] || [ "$(nproc)" -lt 2 ] || jobs=2

judged=
for scenario in "$@"; do
	systems=$("$top/guest/run.sh" --need "$scenario" systems "normal off")
	case " $systems " in
	*" without "*) "$top/scripts/kernel.sh" build without ;;
	*" rt "*) "$top/scripts/kernel.sh" build rt ;;
	esac
	echo "compare: booting $scenario: $systems" >&2
	echo "$systems" | xargs -n 1 | xargs -P $jobs -I{} "$top/guest/run.sh" "$scenario" {} >/dev/null ||
		status=1
	for system in $systems; do
		case $system in
		off | area | placed) system=normal-$system ;;
		esac
		judged="$judged $log/$scenario-$system.judge"
	done
done
"$top/guest/results.py" "$log" "$@" || status=1
# shellcheck disable=SC2086 # a list of files
cat $judged || status=1
if [ $status -eq 0 ]; then
	echo "verdict: ok"
else
	echo "verdict: FAILED"
fi
exit $status
