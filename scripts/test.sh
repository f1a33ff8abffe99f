#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Everything that can be checked. Each step ends in a line "N passed, N failed";
# they are added up, and the sum is the last line. A step that fails without
# such a line counts as one failure.
#
#   test.sh [STEP...]	only the steps whose names, or the last parts of whose
#			names, match one of these patterns
#
# With ALL=1 it also takes the steps that are too long for every day.

set -u

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
logs=build/log
mkdir -p $logs
passed=0 failed=0 began=$(date +%s)
wanted="$*"

# Patterns are for names of steps, not of files.
set -f

selected()
{
	[ -n "$wanted" ] || return 0
	for pattern in $wanted; do
		# shellcheck disable=SC2254 # a pattern, not a word
		case $1 in
		$pattern | */$pattern) return 0 ;;
		esac
	done
	return 1
}

# step NAME COMMAND...
step()
{
	name=$1
	shift
	selected "$name" || return 0
	printf '%-24s ' "$name"
	start=$(date +%s)
	out=$logs/test-$(echo "$name" | tr ' /' '--').log
	status=0
	"$@" >"$out" 2>&1 || status=$?

	counts=$(grep -oE '[0-9]+ passed, [0-9]+ failed$' "$out" |
		awk '{ p += $1; f += $3 } END { print p + 0, f + 0 }')
	p=${counts% *} f=${counts#* }
	if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
	elif [ "$((p + f))" -eq 0 ]; then
		echo "(it counted nothing)" >>"$out"
		f=1
	fi
	passed=$((passed + p))
	failed=$((failed + f))
	printf '%5d ok %4d not ok %5d s\n' "$p" "$f" "$(($(date +%s) - start))"
	[ "$f" -eq 0 ] || grep -v 'passed, .* failed$' "$out" | tail -n 40 | sed 's/^/    /'
}

# A step that only builds: it counts itself.
building()
{
	"$@" && echo "1 passed, 0 failed"
}

step "check" make -s check
# An unprivileged container can have no system of its own.
if [ "$(id -u)" -eq 0 ] && unshare --mount true 2>/dev/null; then
	step "fresh" make -s fresh-quick
else
	echo "fresh                    skipped: it needs root and mount namespaces"
fi
step "coverage" building make -s coverage
step "judge" guest/selftest.py
step "kernel" building make -s kernel
step "lint" make -s lint
step "identity" scripts/identity.sh --self-test
step "patched-tree" scripts/test-tree.sh
step "kernel/without" building make -s kernel FLAVOUR=without
for name in $(guest/run.sh --list compare) cost encrypted_cost overhead tool; do
	step "compare/$name" scripts/compare.sh "$name"
done
# Counts alone, for the host is shared: two machines always, and one that each commit
# draws anew, so that the same commit has the same tests.
drawn=$(git rev-parse HEAD 2>/dev/null | cut -c 1-7)
drawn=${drawn:-$(od -An -tx4 -N3 /dev/urandom)}
for seed in 7 41 $((0x${drawn# })); do
	step "duel/$seed" guest/duel.py --counts "$seed"
done
step "tool/pack" make -s pack-check
# The debug kernel judges most scenarios; these run without its checkers in test-all.
judged=$(guest/run.sh --list debug)
for name in $(guest/run.sh --list normal); do
	if [ -n "${ALL:-}" ] || ! echo "$judged" | grep -qx "$name"; then
		step "normal/$name" guest/run.sh "$name" normal
	fi
done
step "kernel/debug" building make -s kernel FLAVOUR=debug
# A minute of the soak; test-all has an hour.
for name in $judged; do
	case ${ALL:-}$name in
	# More than two minutes each: stress, storm and soak make the same claims.
	climb | fragment | hog) ;;
	*) step "debug/$name" guest/run.sh "$name" debug soak=60 ;;
	esac
done
if [ -n "${ALL:-}" ]; then
	step "tool/boards" building make -s boards-check
	step "bench" building make -s bench RUNS=1
	step "long/fresh" make -s fresh STEPS=
	for flavour in kcsan rt; do
		step "kernel/$flavour" building make -s kernel FLAVOUR=$flavour
		for name in $(guest/run.sh --list $flavour); do
			step "$flavour/$name" guest/run.sh "$name" $flavour soak=120
		done
	done
	# The rest of the scenarios where memory is encrypted, and their pools gone.
	for name in contexts hog run soak storm stress; do
		step "encrypted/$name" guest/run.sh $name debug cc_test soak=120
	done
	for name in full pressure; do
		step "encrypted/$name" guest/run.sh $name normal cc_test
	done
	for seed in 7 41 $(od -An -tu4 -N4 /dev/urandom); do
		step "encrypted/duel-$seed" guest/duel.py --counts --encrypted "$seed"
	done
	for seed in 41 $(od -An -tu4 -N4 /dev/urandom); do
		step "kcsan/duel-$seed" guest/duel.py --counts --kernel=kcsan "$seed"
	done
	step "rt/latency" scripts/compare.sh latency
	step "long/fuzz" building make -s fuzz MINUTES=20
	step "long/tool-fuzz" building make -s tool-fuzz FUZZ_SECONDS=600
	TIMEOUT=4000 step "long/soak" guest/run.sh soak debug soak=3600
fi

echo "all of it took $(($(date +%s) - began)) s; logs: $logs/ (make results sums them up)"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
