#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Everything that can be checked. Each step ends in a line "N passed, N failed";
# they are added up, and the sum is the last line. A step that fails without
# such a line counts as one failure.
#
#   test.sh [STEP...]	only the steps whose names match one of these patterns

set -u

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
logs=build/log
mkdir -p $logs
passed=0 failed=0 began=$(date +%s)
wanted="$*"

selected()
{
	[ -n "$wanted" ] || return 0
	for pattern in $wanted; do
		# shellcheck disable=SC2254
		case $1 in
		$pattern) return 0 ;;
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

	counts=$(awk '
		/[0-9]+ passed, [0-9]+ failed$/ {
			for (i = 2; i <= NF; i++) {
				if ($i == "passed,") p += $(i - 1)
				if ($i == "failed") f += $(i - 1)
			}
			n++
		}
		END { print p + 0, f + 0, n + 0 }' "$out")
	# shellcheck disable=SC2086
	set -- $counts
	p=$1 f=$2
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

# Neither flavour's boots may follow a failed build: they would judge an old one.
guest()
{
	scenario=$1 flavour=$2
	shift 2
	[ -e "build/kernel-$flavour/arch/x86/boot/bzImage" ] || {
		echo "there is no $flavour kernel"
		return 1
	}
	guest/run.sh "$scenario" "$flavour" "$@"
}

# scenarios FLAVOUR: those that boot there
scenarios()
{
	for script in guest/scenarios/*.sh; do
		name=${script##*/}
		grep -q '^#: flavours=' "$script" && ! grep -q "^#: flavours=.*$1" "$script" && continue
		echo "${name%.sh}"
	done
}

# Those that boot with groups and with stock, for scripts/compare.sh.
compared()
{
	grep -l '^#: flavours=.*compare' guest/scenarios/*.sh | sed 's,.*/,,; s,\.sh$,,'
}

step "check" make -s check
step "coverage" building make -s coverage
step "judge" guest/judge.sh --self-test
step "judge/table" scripts/compare.sh --self-test
step "kernel" building make -s kernel
step "lint" scripts/lint.sh
step "identity" scripts/identity.sh --self-test
step "patched-tree" scripts/test-tree.sh
step "run" scripts/run.sh
step "cost" scripts/cost.sh
step "kernel/without" building make -s kernel FLAVOUR=without
step "overhead" scripts/overhead.sh
step "tool/guest" building make -s tool-guest
step "tool/boards" building make -s boards-check
for name in $(compared); do
	step "compare/$name" scripts/compare.sh "$name"
done
for name in $(scenarios normal); do
	[ "$name" = run ] || step "normal/$name" guest "$name" normal
done
step "kernel/debug" building make -s kernel FLAVOUR=debug
for name in $(scenarios debug); do
	step "debug/$name" guest "$name" debug
done

echo "all of it took $(($(date +%s) - began)) s; logs: $logs/"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
