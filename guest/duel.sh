# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# What the scripts that duel.py draws call, after lib.sh: loads, the list of
# requests, and figures of the host for duel.py to compare. The machine may be
# anything, so a load that does not fit is told and is no failure.

duel=$debug/dmag_duel

# Fork and page faults of a process of the host, for so many seconds.
duel_work()
{
	/bin/load work "$2" "$seed" >"/tmp/work-$1"
	tell "WORK phase=$1" <"/tmp/work-$1"
}

# The memory that a load's share is of: that which the host can use before any
# device has a group, less 16 MiB for the scenario itself.
duel_begin()
{
	free_mib=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) - 16 }' /proc/meminfo)
	[ "$free_mib" -gt 16 ] || free_mib=16
	say "FREE mib=$free_mib"
	# Killed before the scenario itself, of which init is one.
	echo 500 >/proc/self/oom_score_adj
	insmod /dmag_duel.ko || check "the player loads" false
}

share_mib()
{
	echo $((free_mib * $1 / 100))
}

# duel_device BITS NODE BUS: as dmag_duel has them
duel_device()
{
	module dmag_duel device "$1" "$2" "$3"
	say "DEVICE bits=$1 node=$2 bus=$3 $result"
}

# duel_play ID ARGUMENT...: as dmag_duel has them
duel_play()
{
	local id=$1

	shift
	module dmag_duel play "$@"
	say "PLAY id=$id at=$(uptime_s) $result"
	{ cat "$duel/times"; echo; } | fold -w 800 | tell "TIMES $id"
	check "play $id: in reach, zeroed, aligned, not overwritten" [ "$(value bad)" = 0 ]
}

# duel_pin MASK: the CPUs of what the scenario runs from now on
duel_pin()
{
	taskset -p "$1" $$ >/dev/null
}

# Shared memory of so many percent.
duel_tmpfs()
{
	mkdir -p /fill
	mount -t tmpfs -o size=100% tmpfs /fill
	fallocate -l "$(share_mib "$1")M" /fill/load || say "LOAD tmpfs did not fit"
}

# Pages of the kernel's own, all over the memory that shared memory had.
duel_strewn()
{
	duel_tmpfs 88
	press fragment "$(share_mib "$1")" 200000 "$seed"
	umount /fill
}

duel_disk()
{
	mke2fs "$1" >/dev/null 2>&1
	mkdir -p /disk
	mount -t ext2 "$1" /disk || say "LOAD no disk"
}

# A file that is read again and again; its blocks are holes.
duel_stream()
{
	duel_disk "$1"
	truncate -s 3G /disk/big
	while :; do dd if=/disk/big of=/dev/null bs=1M 2>/dev/null; done &
	streaming=$!
	usleep 4000000
}

duel_write()
{
	duel_disk "$1"
	/bin/load write /disk 3600 "$seed" >/dev/null &
	usleep 3000000
}

anon_kib()
{
	awk '$1 == "AnonPages:" || $1 == "Unevictable:" { kib += $2 } END { print int(kib) }' /proc/meminfo
}

# duel_memory KIND PERCENT: a process that has so much, and works on it or not
duel_memory()
{
	local tenths=0 mib

	mib=$(share_mib "$2")
	case $1 in
	anon) /bin/load anon "$mib" 3600 "$seed" >/dev/null & ;;
	lock) /bin/load lock "$mib" >/dev/null & ;;
	esac
	while [ "$(anon_kib)" -lt $((mib * 900)) ] && [ $tenths -lt 200 ]; do
		usleep 100000
		tenths=$((tenths + 1))
	done
}

duel_zram()
{
	echo "$(share_mib "$1")M" >/sys/block/zram0/disksize &&
		mkswap /dev/zram0 >/dev/null && swapon /dev/zram0
}

duel_swap()
{
	mkswap "$1" >/dev/null && swapon "$1"
}

# From now on the scenario may use the memory of one node only.
duel_cpuset()
{
	mkdir -p /cgroup
	mount -t cgroup2 cgroup2 /cgroup
	echo +cpuset >/cgroup/cgroup.subtree_control
	mkdir /cgroup/duel
	echo "$1" >/cgroup/duel/cpuset.mems
	echo $$ >/cgroup/duel/cgroup.procs || say "LOAD no cpuset"
}

duel_worker()
{
	/bin/load work 3600 "$seed" >/tmp/work-play &
}

# Killed processes hold their files for a moment.
umount_all()
{
	local dir

	for dir in /fill /disk; do
		! grep -q " $dir " /proc/mounts || umount $dir 2>/dev/null || return
	done
}

# All given back, devices, groups and loads gone: is the memory back?
duel_end()
{
	killall -TERM load 2>/dev/null
	usleep 1500000
	[ ! -s /tmp/work-play ] || tell "WORK phase=play" </tmp/work-play
	show_groups "at the end of the list"
	module dmag_duel free
	check "no buffer was overwritten" [ "$(value bad)" = 0 ]
	module dmag_duel remove
	check_groups "no group is left" await_groups 0
	grep -E '^(oom_kill|allocstall|pgmajfault|pgmigrate_success|pgscan_direct|pswpout|compact_stall) ' \
		/proc/vmstat | xargs | tell VMSTAT
	[ -z "${streaming:-}" ] || kill -KILL "$streaming"
	killall -KILL load dd 2>/dev/null
	await umount_all
	[ ! -d $debug/dmag_press ] || press unhog
	swapoff -a 2>/dev/null
	usleep 500000
	settle
	settle
	check "the validator finds nothing" [ "$(cat $debug/dmag/validate 2>/dev/null || echo ok)" = ok ]
	# Pages on per-CPU lists are free, too.
	{
		awk '{ print $1 $2 }' /proc/meminfo
		awk '$1 == "count:" { nr += $2 } END { print "PerCpuFree:" nr * 4 }' /proc/zoneinfo
	} | tr : = | xargs | tell END
}
