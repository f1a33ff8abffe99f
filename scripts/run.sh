#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# The demonstration: the same guest with groups and with stock Linux, one table.
# Succeeds if with groups every request was granted and every sample survived,
# if stock refused some of the 28- and 30-bit devices' (else the load proved
# nothing), and if neither kernel complained.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
log=${LOG_DIR:-$top/build/log}
began=$(date +%s)

boot()
{
	"$top/guest/run.sh" run normal "$@"
}

available_gib()
{
	awk '$1 == "MemAvailable:" { print int($2 / 1048576) }' /proc/meminfo
}

mkdir -p "$log"
groups_status=0 stock_status=0
# Each boot fills 6 GiB. Side by side is faster if the host has room for both.
if [ "$(available_gib)" -ge 14 ] && [ "$(nproc)" -ge 2 ]; then
	echo "run: booting with groups and with dmag=off, side by side" >&2
	CPUS=${CPUS:-1}
	export CPUS
	boot >"$log/run.judge" &
	groups_pid=$!
	boot dmag=off >"$log/run-off.judge" || stock_status=$?
	wait $groups_pid || groups_status=$?
else
	echo "run: booting with groups" >&2
	boot >"$log/run.judge" || groups_status=$?
	echo "run: booting with dmag=off" >&2
	boot dmag=off >"$log/run-off.judge" || stock_status=$?
fi

table_status=0
awk -f "$top/scripts/table.awk" "$log/run-normal.log" "$log/run-normal-off.log" || table_status=$?
echo
cat "$log/run.judge" "$log/run-off.judge"
echo "both boots took $(($(date +%s) - began)) s; logs: build/log/run-normal.log, build/log/run-normal-off.log"
if [ $((table_status + groups_status + stock_status)) -eq 0 ]; then
	echo "verdict: ok"
else
	echo "verdict: FAILED"
	exit 1
fi
