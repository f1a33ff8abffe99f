#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Judge the log of a guest.
#
#   judge.sh LOG [ALLOWED]	ALLOWED: a pattern of splats that are provoked
#   judge.sh --self-test
#
# A scenario passes if its checks passed, it said so at its end, and the kernel
# never complained. The last line is "N passed, N failed": the checks, the test
# cases of KUnit, the end, and the absence of splats.

set -eu

splats='WARNING:|BUG:|Oops|KASAN|UBSAN:|KFENCE|kmemleak:|Call Trace:
INFO: possible|INFO: trying to register|INFO: task|INFO: lockdep
possible (circular|recursive|irq lock|irq-unsafe|deadlock).*detected
suspicious RCU usage|rcu: INFO|rcu_.* detected|bad unlock balance
inconsistent lock state|lock held when returning|scheduling while atomic
sleeping function called|blocked for more than|soft lockup|hard LOCKUP
refcount_t:|(list_add|list_del) corruption|(add|del)_list corruption
Kernel panic|general protection|[Uu]nable to handle|page fault|double fault
Bad page|bad page|ODEBUG:|DMA-API:|invoked oom-killer|Out of memory
pagealloc: |dmag: .*(broken|disabled after)|hung_task
page allocation failure|QEMU ended with|stack-?protector|corrupted stack'

# What is said at boot when a checker starts.
harmless='kmemleak: Kernel memory leak detector (initialized|disabled)
DMA-API: (preallocated|debugging (enabled|disabled)|debugfs)
ODEBUG: .*(selftest passed|objects? in use)|Oops: .* disabled
[Cc]ommand line:|mem auto-init'

one_pattern()
{
	echo "$1" | tr '\n' '|'
}

# find_splats LOG ALLOWED
find_splats()
{
	grep -nE "$(one_pattern "$splats" | sed 's/|$//')" "$1" |
		grep -vE "$(one_pattern "$harmless" | sed 's/|$//')" |
		{ if [ -n "$2" ]; then grep -vE "$2"; else cat; fi; } || true
}

# KTAP as the kernel's log has it: "[time]     ok 3 name". Suites have no indent.
count_kunit()
{
	tr -d '\r' <"$1" | grep -E "^\[ *[0-9.]+\] {4,}$2 [0-9]+ " | grep -vc '# SKIP' || true
}

judge()
{
	log=$1
	tr -d '\r' <"$log" >"$log.text"
	passed=$(grep -c '^DMAG-CHECK ok ' "$log.text" || true)
	failed=$(grep -c '^DMAG-CHECK not ok ' "$log.text" || true)
	grep '^DMAG-CHECK not ok ' "$log.text" || true

	cases=$(count_kunit "$log" ok)
	broken=$(count_kunit "$log" 'not ok')
	[ "$broken" -eq 0 ] || grep -E '^\[ *[0-9.]+\] .*(not ok|# .*EXPECTATION|# .*ASSERTION)' "$log.text" || true
	passed=$((passed + cases))
	failed=$((failed + broken))

	if grep -qx 'DMAG-END ok' "$log.text"; then
		passed=$((passed + 1))
	else
		echo "the scenario did not end well"
		failed=$((failed + 1))
	fi

	found=$(find_splats "$log.text" "$2")
	rm -f "$log.text"
	if [ -z "$found" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "the kernel complained:"
		echo "$found" | head -n 12
	fi
	echo "${log##*/}: $passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}

# expect VERDICT NAME LINE...: a log that ended well, with these lines in it
expect()
{
	verdict=$1 what=$2
	shift 2
	{
		printf '%s\r\n' "DMAG-BEGIN x" "$@" "DMAG-CHECK ok something"
		[ "$what" = "no end" ] || printf 'DMAG-END ok\r\n'
	} >"$scratch/log"
	if (judge "$scratch/log" "$allowed") >/dev/null; then got=pass; else got=fail; fi
	if [ "$got" = "$verdict" ]; then
		good=$((good + 1))
	else
		bad=$((bad + 1))
		echo "judge.sh: '$what' gave $got, wanted $verdict"
	fi
}

self_test()
{
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	good=0 bad=0 allowed=
	expect pass "clean" "[    0.1] Linux version 6.12"
	expect pass "checkers starting" "[    0.1] DMA-API: preallocated 65536 debug entries" \
		"[    0.1] DMA-API: debugging enabled by kernel config" \
		"[    0.1] ODEBUG: selftest passed" \
		"[    0.0] kmemleak: Kernel memory leak detector disabled"
	expect fail "leak" "[    2.0] kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)"
	expect fail "no end"
	expect fail "a failed check" "DMAG-CHECK not ok this"
	expect fail "a failed end" "DMAG-END failed" "DMAG-CHECK not ok x"
	expect pass "a KUnit case" "[    1.2]     ok 1 dmag_share"
	expect fail "a failed KUnit case" "[    1.2]     not ok 1 dmag_share"
	expect fail "warning" "[    2.0] WARNING: CPU: 0 PID: 1 at mm/x.c:3 f+0x1/0x2"
	expect fail "bug" "[    2.0] kernel BUG: at mm/x.c:3"
	expect fail "bug at" "[    2.0] BUG: unable to handle page fault for address: 0"
	expect fail "oops" "[    2.0] Oops: general protection fault, 0000 [#1]"
	expect fail "kasan" "[    2.0] BUG: KASAN: use-after-free in f"
	expect fail "lockdep" "[    2.0] WARNING: possible circular locking dependency detected"
	expect fail "lockdep" "[    2.0] INFO: possible recursive locking detected"
	expect fail "irq inversion" "[    2.0] WARNING: inconsistent lock state"
	expect fail "atomic sleep" "[    2.0] BUG: sleeping function called from invalid context"
	expect fail "dma debug" "[    2.0] DMA-API: dmag_edu 0000:00:01.0: device driver frees"
	expect fail "trace" "[    2.0] Call Trace:"
	expect fail "hung" "[    2.0] INFO: task sh:1 blocked for more than 120 seconds."
	expect fail "refcount" "[    2.0] refcount_t: underflow; use-after-free."
	expect fail "list" "[    2.0] list_add corruption. next->prev should be prev"
	expect fail "panic" "[    2.0] Kernel panic - not syncing: x"
	expect fail "allocation" "[    2.0] sh: page allocation failure: order:4"
	expect fail "poison" "[    2.0] pagealloc: memory corruption"
	expect fail "object" "[    2.0] ODEBUG: free active (active state 0) object"
	expect fail "oom" "[    2.0] sh invoked oom-killer: gfp_mask=0"
	expect fail "clamp" "BUG: edu: a device was given memory beyond its mask"
	expect fail "timeout" "run.sh: QEMU ended with 124 (124: after 60 seconds)"
	allowed=$(sed -n 's/^#: allow=//p' "${0%/*}/scenarios/soak.sh")
	expect pass "detectors short of memory in the soak" "[    2.0] DMA-API: cacheline tracking ENOMEM, dma-debug disabled" \
		"[    2.0] kmemleak: Cannot allocate a scan area, scanning the full object"
	expect fail "leak in the soak" "[    2.0] kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)"
	echo "$good passed, $bad failed"
	[ "$bad" -eq 0 ]
}

if [ "${1:-}" = --self-test ]; then
	self_test
else
	judge "$1" "${2:-}"
fi
