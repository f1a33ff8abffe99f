# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Two devices of one group get and free pages of 4 KiB on two CPUs at once, again
# and again. Two devices that reach all memory do the same in the same boot, in
# turn with these: the page allocator serves them, as it serves all devices of a
# stock kernel, so a busy host slows both.
#: flavours=normal compare
#: memory=3G
#: devices=30 30 64 64
#: timeout=120

rounds=15
pairs=4000
# Per cent of the page allocator's time, which groups may need.
limit=100

# median FILE: of the numbers in it, one a line
median()
{
	sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"
}

# race CONTEXT FILE DEVICE OTHER: note what a pair costs
race()
{
	ctl "$3" pairs "$1" $pairs "$4"
	[ "$(value failed)" = 0 ] || echo "$3" >>/tmp/refused
	value ns >>"$2"
}

# compete CONTEXT RESTRICTED RESTRICTED UNIVERSAL UNIVERSAL
compete()
{
	local context="$1" round=0 groups stock

	: >/tmp/groups
	: >/tmp/stock
	race "$context" /tmp/warm "$2" "$3"
	race "$context" /tmp/warm "$4" "$5"
	# Caches are made on demand, in the background.
	sleep 1
	while [ $round -lt $rounds ]; do
		race "$context" /tmp/groups "$2" "$3"
		race "$context" /tmp/stock "$4" "$5"
		round=$((round + 1))
	done
	groups=$(median /tmp/groups) stock=$(median /tmp/stock)
	limit_row "two_cpus_$context" $limit $((groups * 100 / stock)) unit=% \
		ns="$groups" page_allocator_ns="$stock"
	for file in groups stock; do
		say "NOISE $context $file: $(sort -n /tmp/$file | tr '\n' ' ')"
	done
}

load 30,30,64,64
# shellcheck disable=SC2086 # one device a word
set -- $devices
: >/tmp/refused
compete block "$@"
compete softirq "$@"
check "no request was refused" [ ! -s /tmp/refused ]
# Two devices, and one race to warm up.
made=$(((rounds + 1) * pairs * 2))
check_groups "blocking requests were counted" [ "$(counter alloc)" = $made ]
check_groups "atomic requests were counted" [ "$(counter alloc_atomic)" = $made ]
check_groups "frees were counted" [ "$(counter free_calls)" = $((2 * made)) ]
show_groups "two CPUs"
[ ! -e $debug/dmag ] || check "the groups are valid" grep -q ok $debug/dmag/validate
unload
