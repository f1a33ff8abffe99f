#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Instructions that a pair of allocation and free of 4 KiB costs a restricted
# device on an idle guest: groups must need no more than stock.
#
# The guest runs under QEMU's -icount, where the time stamp counter advances by
# one an instruction: the figures are counts, the same on any host.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
log=${LOG_DIR:-$top/build/log}
bad=0

"$top/guest/run.sh" cost normal >"$log/cost.judge" || bad=1
"$top/guest/run.sh" cost normal dmag=off >"$log/cost-off.judge" || bad=1
cat "$log/cost.judge" "$log/cost-off.judge" | sed 's/^/  /'

awk '
	{ sub(/\r$/, "") }
	FNR == 1 { nr++ }
	/^DMAG-COST / {
		for (i = 3; i <= NF; i++) {
			split($i, kv, "=")
			v[kv[1]] = kv[2]
		}
		key = $2 " " (v["context"] == "block" ? "sleeps" : "atomic")
		if (nr == 1)
			order[++rows] = key
		min[nr, key] = v["min"] + 0
		median[nr, key] = v["median"] + 0
	}
	END {
		printf "%-20s %22s %22s\n", "instructions a pair", "groups min (median)", "stock min (median)"
		for (i = 1; i <= rows; i++) {
			key = order[i]
			ok = median[1, key] > 0 && median[2, key] > 0 && median[1, key] <= median[2, key]
			ok ? passed++ : failed++
			printf "%-20s %12d (%7d) %12d (%7d)  %s\n", key, min[1, key], median[1, key],
				min[2, key], median[2, key], ok ? "ok" : "FAILED"
		}
		if (!rows)
			failed++
		printf "%d passed, %d failed\n", passed, failed
		exit failed > 0
	}' "$log/cost-normal.log" "$log/cost-normal-off.log" || bad=1
exit $bad
