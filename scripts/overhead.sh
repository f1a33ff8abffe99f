#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# What groups cost a machine that has no restricted device: the instructions of
# a fixed load of processes, files and reclaim, on the normal kernel and on the
# same without groups. More than 1.001 times as many is a failure, and so it is
# with dmag=off.
#
# The guest runs under QEMU's -icount, where the time stamp counter advances by
# one an instruction: the figures are counts, the same on any host. A phase is
# worth the least of its rounds: what the others met besides is not its own. Of
# reclaim by kswapd and by who allocates no two rounds are alike, and those of
# writing are of three kinds, 0.4 % apart, in any kernel: there it is the median.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
log=${LOG_DIR:-$top/build/log}
bad=0

# boot FLAVOUR [PARAMETER]
boot()
{
	"$top/guest/run.sh" overhead "$@" >"$log/overhead.judge" || bad=1
	sed 's/^/  /' "$log/overhead.judge"
}

boot without
boot normal
boot normal dmag=off

awk -v limit=1.001 '
	function median(file, phase,   n, i, j, t) {
		n = count[file, phase]
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && v[file, phase, j - 1] > v[file, phase, j]; j--) {
				t = v[file, phase, j]
				v[file, phase, j] = v[file, phase, j - 1]
				v[file, phase, j - 1] = t
			}
		return v[file, phase, int((n + 1) / 2)]
	}
	function worth(file, phase) {
		return phase ~ /^(dirty|kswapd|direct)$/ ? median(file, phase) : least[file, phase]
	}
	function ratio(value, base) {
		return sprintf("%12.0f %7.5f", value, base ? value / base : 0)
	}
	function row(name, without, groups, off, verdict) {
		printf "%-8s %12.0f %s %s%s\n", name, without, ratio(groups, without),
			ratio(off, without), verdict
	}
	{ sub(/\r$/, "") }
	FNR == 1 { file++ }
	/^DMAG-WORK / {
		split($4, kv, "=")
		if (!seen[$2]++)
			order[++phases] = $2
		v[file, $2, ++count[file, $2]] = kv[2] + 0
		if (!((file, $2) in least) || kv[2] + 0 < least[file, $2])
			least[file, $2] = kv[2] + 0
		lines[file]++
	}
	END {
		printf "%-8s %12s %20s %20s\n", "phase", "without", "with groups", "dmag=off"
		for (i = 1; i <= phases; i++) {
			for (file = 1; file <= 3; file++)
				sum[file] += m[file] = worth(file, order[i])
			row(order[i], m[1], m[2], m[3], "")
		}
		for (file = 2; file <= 3; file++) {
			ok = lines[1] && lines[file] == lines[1] && sum[file] <= limit * sum[1]
			verdict = verdict (ok ? " ok" : " FAILED")
			ok ? passed++ : failed++
		}
		row("all", sum[1], sum[2], sum[3], verdict)
		printf "%d passed, %d failed\n", passed, failed
		exit failed > 0
	}' "$log/overhead-without.log" "$log/overhead-normal.log" "$log/overhead-normal-off.log" || bad=1
exit $bad
