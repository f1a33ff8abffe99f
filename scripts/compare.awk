# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The logs of scenarios, each read with system_is=1 (groups) or 2 (stock), to one
# table. See row() and limit_row() in guest/lib.sh for what a line says.

function parse(    i, at)
{
	delete v
	for (i = 2; i <= NF; i++) {
		at = index($i, "=")
		if (at)
			v[substr($i, 1, at - 1)] = substr($i, at + 1)
	}
}

function microseconds(ns)
{
	return ns == "" ? "-" : sprintf("%.1f", ns / 1000)
}

# One system's share of what was asked for: stock may have its own judge.
function enough(s, key)
{
	if ((s, key, "limit") in row)
		return row[s, key, "got"] != "" && row[s, key, "got"] + 0 <= row[s, key, "limit"] + 0
	return row[s, key, "asked"] > 0 &&
		row[s, key, "got"] * 100 >= row[s, key, "asked"] * row[s, key, "percent"]
}

function verdict(key)
{
	if (row[1, key, "stock"] == "none")
		return enough(1, key) ? "ok" : "FAILED"
	if (!((1, key, "got") in row) || !((2, key, "got") in row))
		return "FAILED: not reached"
	if (!enough(1, key))
		return "FAILED"
	if (row[1, key, "stock"] == "fails" && enough(2, key))
		return "FAILED: stock did not fail"
	return enough(2, key) ? "ok" : "ok, stock fails"
}

# asked, and of that the share which must be had
function wanted(key)
{
	if (!((1, key, "got") in row))
		return "-"
	if ((1, key, "limit") in row)
		return "<= " row[1, key, "limit"] " " row[1, key, "unit"]
	if (row[1, key, "percent"] == 100)
		return row[1, key, "asked"]
	return row[1, key, "percent"] " % of " row[1, key, "asked"]
}

function notes(key,    i, k, out)
{
	for (i = 1; i <= nr_notes[key]; i++) {
		k = note[key, i]
		out = out " " k "=" row[1, key, k]
		if (row[1, key, k] != row[2, key, k])
			out = out "/" row[2, key, k]
	}
	return out
}

{ sub(/\r$/, "") }
/^DMAG-ROW / {
	parse()
	key = v["scenario"] " " v["what"]
	if (!(key in seen)) {
		seen[key] = 1
		order[++nr] = key
	}
	for (k in v) {
		row[system_is, key, k] = v[k]
		if (k !~ /^(scenario|what|asked|got|percent|stock|size|ns|limit|unit)$/ &&
		    !((key, k) in noted)) {
			noted[key, k] = 1
			note[key, ++nr_notes[key]] = k
		}
	}
}

END {
	printf "%-10s %-12s %-9s %-15s %7s %7s  %9s %9s  %-16s %s\n", "scenario", "what", "size", "wanted",
		"groups", "stock", "us/alloc", "us/stock", "verdict", "more (groups/stock)"
	for (i = 1; i <= nr; i++) {
		key = order[i]
		split(key, name, " ")
		says = verdict(key)
		says ~ /^FAILED/ ? failed++ : passed++
		printf "%-10s %-12s %-9s %-15s %7s %7s  %9s %9s  %-16s%s\n", name[1], name[2],
			row[1, key, "size"] == "" ? "-" : row[1, key, "size"], wanted(key), row[1, key, "got"],
			row[2, key, "got"], microseconds(row[1, key, "ns"]), microseconds(row[2, key, "ns"]),
			says, notes(key)
	}
	if (!nr)
		failed++
	printf "%d passed, %d failed\n", passed, failed
	exit failed > 0
}
