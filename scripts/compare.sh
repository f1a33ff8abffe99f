#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Scenarios with groups and with stock Linux (dmag=off), all in one table.
#
#   compare.sh [SCENARIO...]	all with flavours=compare if none is named
#   compare.sh --self-test	does the table find what is wrong?
#
# Succeeds if groups got what each row asks of them, if stock failed wherever it
# is said to (else the load proved nothing), and if neither kernel complained.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
log=${LOG_DIR:-$top/build/log}
status=0

available_gib()
{
	awk '$1 == "MemAvailable:" { print int($2 / 1048576) }' /proc/meminfo
}

all_scenarios()
{
	grep -l '^#: flavours=.*compare' "$top"/guest/scenarios/*.sh |
		sed 's,.*/,,; s,\.sh$,,'
}

# boot SCENARIO NAME [PARAMETER]
boot()
{
	"$top/guest/run.sh" "$1" normal ${3:+"$3"} >"$log/$2.judge" 2>&1 || {
		# The verdict on stock is the table's; a kernel that complains is not.
		echo "compare: $2 did not go well" >&2
		return 1
	}
}

# Side by side if the host has room for both; then each guest's CPUs take turns
# on one of the host's.
pair()
{
	if [ "$(available_gib)" -ge 14 ] && [ "$(nproc)" -ge 2 ]; then
		ACCEL=tcg,thread=single
		export ACCEL
		boot "$1" "$1-normal" &
		other=$!
		boot "$1" "$1-normal-off" dmag=off || status=1
		wait $other || status=1
	else
		boot "$1" "$1-normal" || status=1
		boot "$1" "$1-normal-off" dmag=off || status=1
	fi
}

# expect VERDICT NAME GROUPS-ROW [STOCK-ROW]
expect()
{
	echo "DMAG-ROW scenario=x $3" >"$scratch/groups"
	echo "${4:+DMAG-ROW scenario=x $4}" >"$scratch/stock"
	if awk -f "$top/scripts/compare.awk" system_is=1 "$scratch/groups" \
		system_is=2 "$scratch/stock" >/dev/null; then
		got=pass
	else
		got=fail
	fi
	if [ "$got" = "$1" ]; then
		good=$((good + 1))
	else
		bad=$((bad + 1))
		echo "compare.sh: '$2' gave $got, wanted $1"
	fi
}

self_test()
{
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	good=0 bad=0
	ask="what=w asked=100 percent=95 stock=fails"
	expect pass "as it should be" "$ask got=95" "$ask got=94"
	expect fail "groups got too little" "$ask got=94" "$ask got=10"
	expect fail "stock did not fail" "$ask got=100" "$ask got=95"
	expect fail "groups did not get there" "what=v $ask" "$ask got=1"
	expect fail "stock did not get there" "$ask got=100" "what=v"
	expect fail "nothing was asked for" "what=w asked=0 percent=95 got=0" "what=w asked=0 percent=95 got=0"
	expect fail "no figure" "$ask got=" "$ask got=1"
	ask="what=w asked=2 percent=100 stock=any"
	expect pass "stock may do as it likes" "$ask got=2" "$ask got=2"
	expect fail "groups may not" "$ask got=1" "$ask got=2"
	ask="what=w limit=40 stock=none"
	expect pass "in time" "$ask got=40"
	expect fail "too late" "$ask got=41"
	expect fail "no time" "$ask got="
	echo "$good passed, $bad failed"
	[ "$bad" -eq 0 ]
}

if [ "${1:-}" = --self-test ]; then
	self_test
	exit
fi

mkdir -p "$log"
[ $# -gt 0 ] || eval "set -- $(all_scenarios | tr '\n' ' ')"
logs=
for scenario in "$@"; do
	[ -f "$top/guest/scenarios/$scenario.sh" ] || {
		echo "compare.sh: no scenario '$scenario'" >&2
		exit 2
	}
	echo "compare: booting $scenario with groups and with dmag=off" >&2
	pair "$scenario"
	logs="$logs system_is=1 $log/$scenario-normal.log system_is=2 $log/$scenario-normal-off.log"
done

# shellcheck disable=SC2086
awk -f "$top/scripts/compare.awk" $logs || status=1
for scenario in "$@"; do
	grep -hE 'passed, [0-9]+ failed$|^DMAG-CHECK not ok|^[0-9]+:' \
		"$log/$scenario-normal.judge" "$log/$scenario-normal-off.judge" || true
done
exit $status
