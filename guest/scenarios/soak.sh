# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Everything at once and at random, for five minutes: each device is asked for
# buffers of all kinds and sizes, given other masks, unbound and bound, while
# page allocations fail, pages are pinned, memory is filled, fragmented,
# swapped, compacted. The validator looks at it every few seconds. At the end
# all memory must be back.
#
# Kernel parameters: soak=SECONDS for less, seed=SEED for the same draws again.
# Only the debug kernel lets allocations fail and looks for leaks.
#: memory=3G
#: devices=32 32 34 34 28
#: disks=1G 2G
#: flavours=debug kcsan
#: append=swiotlb=2048 kmemleak=on
#: allow=DMA-API: cacheline tracking ENOMEM|kmemleak: Cannot allocate a scan area
#: timeout=400

seconds=${soak:-300}
say "SOAK $seconds s"

# draw COUNT: the next random number below COUNT, in $r. One sequence an actor.
draw()
{
	state=$((state * 6364136223846793005 + 1442695040888963407))
	r=$(((state >> 33 & 0x3fffffff) % $1))
}

# choose WORD...: one of them, in $r
choose()
{
	draw $#
	shift "$r"
	r=$1
}

# actor NAME NUMBER ACT [ARGUMENT...]: act until it is time. Fails if anything
# was not as it must be.
actor()
{
	local name="$1" act="$3" rounds=0

	state=$((seed + $2)) bad=0
	shift 3
	while [ "$(uptime_s)" -lt "$end" ]; do
		"$act" "$@"
		rounds=$((rounds + 1))
	done
	say "ACTOR $name: $rounds rounds, $bad bad"
	[ "$bad" = 0 ]
}

# must COMMAND...: success, or the actor has failed
must()
{
	"$@" && return
	say "BAD $*: $result"
	bad=$((bad + 1))
}

write_to()
{
	echo "$2" >"$1"
}

churn()
{
	draw 150
	set -- "churn $((50 + r)) $((state >> 1 & 0xffffffff))"
	result=
	if [ "$faults" = yes ]; then
		faulty "$1" "$edu/$dev/ctl" || return 0
	else
		must write_to "$edu/$dev/ctl" "$1"
	fi
	result=$(cat "$edu/$dev/ctl")
	must [ "$(value bad)" = 0 ]
}

# Buffers that are held for a while: they are what they were, then.
hold()
{
	local context kind size

	choose block irqoff softirq
	context=$r
	choose coherent nokmap pages noncoherent
	kind=$r
	choose 2048 4096 12288 65536 262144 1048576
	size=$r
	draw $((16777216 / size))
	ctl "$dev" alloc "$context" "$kind" $((r < 256 ? r + 1 : 256)) "$size"
	must [ "$(value bad_reach)$(value bad_zero)$(value bad_align)" = 000 ]
	if [ "$(value granted)" -gt 0 ]; then
		ctl "$dev" roundtrip 1 "$seed"
		must all_intact
	fi
	draw 2000
	usleep $((r * 1000))
	ctl "$dev" verify
	must [ "$(value buffers)" = "$(value intact)" ]
	choose block softirq
	ctl "$dev" free "$r"
}

# Set as drivers set it, or written by those that do not.
new_mask()
{
	local bits

	draw $((most - 23))
	bits=$((24 + r))
	if [ "$faults" = yes ]; then
		faulty "mask $bits" "$edu/$dev/ctl" || return 0
	else
		choose mask mask poke
		ctl "$dev" "$r" $bits
		must [ "$(value err)" = 0 ]
	fi
}

# With faults it may not bind, or bind without its control file.
rebind()
{
	echo "$dev" >$pci/unbind
	if [ "$faults" = yes ] && faulty "$dev" $pci/bind && [ -e "$edu/$dev/ctl" ]; then
		return
	fi
	[ ! -e "$pci/$dev" ] || echo "$dev" >$pci/unbind
	must write_to $pci/bind "$dev"
	must [ -e "$edu/$dev/ctl" ]
}

# use_device DEVICE BITS: what it can reach at most
use_device()
{
	dev=$1 most=$2
	choose yes no no
	[ "$flavour" = debug ] || r=no
	faults=$r
	choose churn churn hold hold new_mask rebind
	"$r"
}

# Memory in use, by those who let it go when asked, and by those who do not.
use_memory()
{
	local what span mib

	draw 8
	span=$((2 + r))
	draw 600
	mib=$((100 + r))
	choose anon write read shared
	what=$r
	result="$what $mib MiB, $span s"
	case $what in
	anon) must /bin/load anon $mib $span "$seed" ;;
	write) must /bin/load write "$1" $span "$seed" ;;
	read) must /bin/load read /disk/file $span "$seed" ;;
	shared)
		# No room for it is load as well, not what is tested.
		fallocate -l ${mib}M "/fill/$2" || say "FULL: no room for $result"
		sleep $span
		rm -f "/fill/$2"
		;;
	esac
}

# Memory that does not move, and what moves the rest.
hinder()
{
	local pinner

	draw 4
	sleep "$r"
	choose fragment pin pin compact drop faults
	case $r in
	fragment)
		draw 200
		press fragment $((50 + r)) 5000 $((state >> 1 & 0xffffffff))
		draw 5
		sleep "$r"
		press unhog
		;;
	pin)
		/bin/load pin 160 8 200 &
		pinner=$!
		draw 8
		sleep "$r"
		kill $pinner
		wait $pinner 2>/dev/null
		press unpin
		;;
	compact) echo 1 >/proc/sys/vm/compact_memory ;;
	drop) echo 3 >/proc/sys/vm/drop_caches ;;
	faults)
		draw 40
		[ "$flavour" != debug ] || fault_rate "$r"
		;;
	esac
}

validate()
{
	sleep 3
	result=$(cat $debug/dmag/validate)
	must [ "$result" = ok ]
}

protected_blocks()
{
	awk '
		/^Number of blocks/ { for (i = 5; i <= NF; i++) if ($i == "CMA") at = i }
		/^Node/ && at { sum += $at }
		END { print sum + 0 }' /proc/pagetypeinfo
}

# Only what is older than five seconds, and lost at two looks, is taken for lost.
# The detector refuses when it had to turn itself off.
nothing_leaked()
{
	echo scan >$debug/kmemleak || return
	sleep 6
	echo scan >$debug/kmemleak || return
	tell LEAK <$debug/kmemleak
	[ -z "$(cat $debug/kmemleak)" ]
}

disk_on /dev/vda
mkdir -p /fill
mkdir /disk/a /disk/b
# More than there is of RAM: it can be swapped out.
mount -t tmpfs -o size=200% tmpfs /fill
swap_on /dev/vdb
check "a file to read" /bin/load make /disk/file 100 "$seed"
press unpin
[ "$flavour" != debug ] || prepare_faults
check "there is a validator" [ -e $debug/dmag/validate ]
check "no block is protected yet" [ "$(protected_blocks)" = 0 ]
settle
before=$(mem_free_kib)

load 28,24,30,34,28
# Half of memory, so that the rest is soon full.
check "ballast" fallocate -l 1400M /fill/ballast
end=$(($(uptime_s) + seconds))
nr=0
# shellcheck disable=SC2086 # one device a word
set -- $devices
for bits in 32 32 34 34 28; do
	nr=$((nr + 1))
	background actor "device $1" $nr use_device "$1" $bits
	shift
done
background actor "memory a" 11 use_memory /disk/a a
background actor "memory b" 12 use_memory /disk/b b
background actor "hindrance" 13 hinder
background actor "validator" 14 validate
joined
show_groups "after the soak"
grep -E '^(pgsteal|pgscan|pswp|pgmigrate|allocstall)' /proc/vmstat | tell VMSTAT

check "something was asked for" [ "$(counter alloc)" -gt "$seconds" ]
check "the validator finds nothing" [ "$(cat $debug/dmag/validate)" = ok ]
unload
check "none is left" await_groups 0
for name in owned used quarantined; do
	check "nothing is $name" [ "$(counter $name)" = 0 ]
done
check "no block stays protected" [ "$(protected_blocks)" = 0 ]
check "the validator still finds nothing" [ "$(cat $debug/dmag/validate)" = ok ]
umount /fill
swapoff /dev/vdb
settle
after=$(mem_free_kib)
say "FREE before $before KiB, after $after KiB"
check "free memory is back" [ $((before - after)) -le $((before / 20)) ]
[ "$flavour" != debug ] || check "nothing leaked" nothing_leaked
