#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# dmag lint: the mistakes of a board, and the exit status.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

# lint STATUS BOARD [OPTION...]
lint()
{
	want=$1
	name=$2
	shift 2
	status "$want" "$name $*" "$dmag" lint "$@" "$work/$name.dtb"
}

for name in mistakes cma-ranges rp1 nothing pi4 no-reg; do
	board $name
done
lint 3 mistakes
has 'a lost window' 'warning: /outer/soc: dma-ranges: missing, so that those of /outer are lost'
has 'an overlap' 'warning: /reserved-memory/b@10100000: overlaps /reserved-memory/a@10000000'
has 'no memory' 'error: /reserved-memory/c@3f000000: reusable, but not all of it is memory'
hasnt 'a good area' 'd@20000000'
lint 3 cma-ranges
has 'a pool out of reach' 'error: /soc/vpu@2000000: its pool .* is out of reach of 32 bits'
has 'no room' 'error: /reserved-memory/large: 6 GiB do not fit'
has 'an area out of reach' 'warning: .* the default CMA area is out of reach of group 1'
lint 0 nothing
has 'a guess is a warning' 'warning: /soc/ethernet@1000000: a mask of 32 bits \(a guess\) reaches no memory: it takes 33 bits'
lint 3 nothing --strict
lint 3 nothing --mask 'ethernet@*=32'
has 'a fact is an error' 'error: /soc/ethernet@1000000: a mask of 32 bits reaches no memory'
lint 0 nothing --mask 'ethernet@*=64'
lint 0 pi4
lint 0 no-reg
has 'memory without reg' 'warning: /memory: reg: missing, Linux ignores the node'
has 'memory without a type' 'warning: /memory@80000000: device_type = "memory" is missing'
lint 3 rp1 --mask 'ethernet@*=36'
status 3 'two boards' "$dmag" lint "$work/pi4.dtb" "$work/mistakes.dtb"
hasnt 'a board without mistakes' 'pi4'
status 1 'no board' "$dmag" lint "$work/none.dtb"
has 'no board' 'none.dtb: No such file' err
status 2 'no source' "$dmag" lint
status 2 'options of plan' "$dmag" lint --json "$work/pi4.dtb"
status 2 'its own option' "$dmag" plan --strict "$work/pi4.dtb"
has 'its own option' '^dmag: --strict is for dmag lint' err
status 0 help "$dmag" lint --help
has help '^usage: dmag lint'
finish
