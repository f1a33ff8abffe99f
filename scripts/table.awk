# SPDX-License-Identifier: (MIT OR GPL-2.0)
# The logs of the run scenario, groups first and stock second, to one table.

function parse(    i, at)
{
	delete v
	for (i = 1; i <= NF; i++) {
		at = index($i, "=")
		if (at)
			v[substr($i, 1, at - 1)] = substr($i, at + 1)
	}
}

function bytes(n)
{
	n += 0
	if (n >= 1048576)
		return n / 1048576 " MiB"
	return n / 1024 " KiB"
}

# 0x40000000 and the like; awk's own strtonum is not in every awk.
function hex(s,    i, n)
{
	s = tolower(substr(s, 3))
	n = 0
	for (i = 1; i <= length(s); i++)
		n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
	return n
}

function amount(n)
{
	if (n >= 1073741824 && n % 1073741824 == 0)
		return n / 1073741824 "G"
	if (n >= 1048576 && n % 1048576 == 0)
		return n / 1048576 "M"
	return n / 1024 "K"
}

function microseconds(ns)
{
	return sprintf("%.1f", ns / 1000)
}

function well(s, key)
{
	return row[s, key, "bad_reach"] + row[s, key, "bad_zero"] + row[s, key, "bad_align"] == 0 &&
		trip[s, key, "intact"] == trip[s, key, "sampled"]
}

function print_row(key,    dev, ok, granted, stock, group, asked)
{
	dev = row[1, key, "dev"]
	asked = row[1, key, "asked"] + 0
	granted = row[1, key, "granted"] + 0
	stock = row[2, key, "granted"] + 0
	ok = granted == asked && well(1, key) && well(2, key) &&
		trip[1, key, "sampled"] > 0 && tags[1, dev] && tags[2, dev]
	bad += !ok
	if ((row[1, key, "bits"] == 28 || row[1, key, "bits"] == 30) && stock < asked)
		refused++
	group = (dev in group_of) ? group_of[dev] : "-"
	printf "%-7s  %4d  %-16s  %5s  %-13s  %-6s  %5d  %6d  %5d  %6s  %8s  %8s  %s\n",
		substr(dev, 6), row[1, key, "bits"], (group in universal) ? "all of RAM" : (group in reach) ? reach[group] : "-",
		(group in universal) ? "-" : group,
		row[1, key, "asked"] " x " bytes(row[1, key, "size"]),
		row[1, key, "context"] == "block" ? "yes" : "no",
		row[1, key, "asked"], granted, stock,
		trip[1, key, "intact"] "/" trip[1, key, "sampled"],
		microseconds(row[1, key, "ns"]), stock ? microseconds(row[2, key, "ns"]) : "-",
		ok ? (stock < asked ? "ok, stock fails" : "ok") : "FAILED"
}

{ sub(/\r$/, "") }
FNR == 1 { system_nr++ }

/^DMAG-GROUPS / { in_groups = /holds its buffers/ && system_nr == 1; next }
/^DMAG-/ { in_groups = 0 }
in_groups && $1 == "group" {
	group = $2
	reach[group] = ""
}
in_groups && $1 == "kind" && $2 == "universal" { universal[group] = 1 }
in_groups && $1 == "reach" {
	reach[group] = reach[group] (reach[group] == "" ? "" : " ") \
		amount(hex($2)) "-" amount(hex($3) + 1)
}
in_groups && $1 == "member" { group_of[$2] = group }

/^DMAG-ROW / {
	parse()
	key = v["dev"] "/" ++rows[system_nr, v["dev"]]
	for (k in v)
		row[system_nr, key, k] = v[k]
	if (system_nr == 1)
		order[++nr] = key
}
/^DMAG-TRIP / {
	parse()
	key = v["dev"] "/" ++trips[system_nr, v["dev"]]
	trip[system_nr, key, "sampled"] = v["sampled"] + 0
	trip[system_nr, key, "intact"] = v["intact"] + 0
}
/^DMAG-TAGS / { parse(); tags[system_nr, v["dev"]] = v["buffers"] == v["intact"] }
/^DMAG-MEMORY / { parse(); before[system_nr] = v["before"]; after[system_nr] = v["after"] }

END {
	print "device   mask  reach             group  request        sleeps  asked  groups  stock  intact  us/alloc  us/stock  verdict"
	for (i = 1; i <= nr; i++)
		print_row(order[i])
	print ""
	print "asked, groups, stock: buffers asked for and given. intact: sampled buffers whose data"
	print "came back from the device; every buffer was also checked to lie in the device's mask, to"
	print "be zeroed, aligned and not shared. A device that reaches all of RAM needs no group."
	print "A request is given up after 8 refusals in a row."
	printf "free memory before and after: groups %d and %d MiB, stock %d and %d MiB\n",
		before[1] / 1024, after[1] / 1024, before[2] / 1024, after[2] / 1024
	printf "stock refused %d of the requests of the 28- and 30-bit devices\n", refused
	exit !nr || bad || !refused
}
