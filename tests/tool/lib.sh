# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=sh
# Sourced by the tool's tests: run dmag, compare, and say so in TAP (the Test
# Anything Protocol), which prove(1) counts.
#
# Environment: DMAG, the program; WORK, where a scratch directory may be made.

here=$(dirname "$0")
# shellcheck disable=SC2034 # the tests run it
dmag=${DMAG:?}
work=$(mktemp -d "${WORK:?}.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
tests=0
failed=0

# verdict STATUS WHAT [DIAGNOSIS]: one case of the test, which is to have status 0
verdict()
{
	tests=$((tests + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tests - $2"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $2"
		echo "${3:-}" | sed 's/^/# /'
	fi
}

# status WANT WHAT COMMAND...: run it into $work/out and $work/err
status()
{
	want=$1
	what=$2
	shift 2
	"$@" >"$work/out" 2>"$work/err"
	rc=$?
	[ "$rc" -eq "$want" ]
	verdict $? "$what: exit status $want" "exit status $rc: $(cat "$work/err")"
}

# has WHAT PATTERN [out|err]: a line of what was printed matches, blanks squeezed
has()
{
	tr -s ' ' <"$work/${3:-out}" | grep -Eq -- "$2"
	verdict $? "$1" "nothing like '$2' in: $(cat "$work/${3:-out}")"
}

# hasnt WHAT PATTERN [out|err]
hasnt()
{
	! tr -s ' ' <"$work/${3:-out}" | grep -Eq -- "$2"
	verdict $? "$1: absent" "there is '$2' in: $(cat "$work/${3:-out}")"
}

# board NAME [DIR]: compile boards/NAME.dts (of DIR) to $work/NAME.dtb
board()
{
	dtc -q -o "$work/$1.dtb" "${2:-$here}/boards/$1.dts" ||
		verdict 1 "dtc $1.dts"
}

# The plan of TAP comes last, when the number of cases is known.
finish()
{
	echo "1..$tests"
	exit $((failed > 0))
}
