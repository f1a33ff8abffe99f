#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# make install: what it installs can be used, and make uninstall removes it.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

prefix=$(cd "$work" && pwd)/usr
status 0 install make -s -C "$here/../.." install PREFIX="$prefix"
status 0 'installed dmag' "$prefix/bin/dmag" --version
has 'version' '^dmag '

cat >"$work/program.c" <<'END'
#include <dmag.h>
#include <stdio.h>

int main(void)
{
	const struct dmag_range ram = { 0, 0xfffff };
	const struct dmag_reach map = { &ram, 1 };
	const struct dmag_constraint c = { .limit = 0x3fffffff };
	struct dmag_range seg;

	if (dmag_reach_build(&c, &map, &seg, 1) != 1)
		return 1;
	printf("%llx\n", (unsigned long long)seg.last);
	return 0;
}
END
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
# shellcheck disable=SC2046 # these are options
status 0 'a program with the library' cc -Wall -Werror -o "$work/program" "$work/program.c" \
	$(pkg-config --cflags --libs dmag-core)
status 0 'the program' "$work/program"
has 'the program' '^3ffff$'

if command -v mandoc >/dev/null; then
	status 0 'manual' mandoc -T lint -W warning "$prefix/share/man/man1/dmag.1"
fi
# Every option is in the manual, and the completion offers it.
for command in plan diff lint explain show top record report collect; do
	"$dmag" $command --help >"$work/help"
	# shellcheck disable=SC2013 # one option a word
	for option in $(grep -o -e ' --[a-z-]*' "$work/help"); do
		[ "$option" = --help ] || grep -q -- "-${option#--}" "$prefix/share/man/man1/dmag.1"
		verdict $? "$command $option is in the manual"
	done
done
completes()
{
	PATH="$prefix/bin:$PATH" bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		compopt() { :; }; _dmag dmag; printf "%s\n" "${COMPREPLY[@]}"' - \
		"$prefix/share/bash-completion/completions/dmag" "$@" >"$work/out"
}
completes dmag ''
has 'completion of commands' '^plan$'
completes dmag plan --as
has 'completion of options' '^--assume-memory$'
completes dmag top --d
has 'completion of options of top' '^--delay$'
completes dmag plan --arch r
has 'completion of values' '^riscv$'
touch "$work/some.dtb" "$work/some.txt"
completes dmag plan "$work/so"
has 'completion of boards' 'some.dtb$'
hasnt 'completion of others' 'some.txt$'

status 0 uninstall make -s -C "$here/../.." uninstall PREFIX="$prefix"
[ -z "$(find "$prefix" -type f)" ]
verdict $? 'uninstall leaves nothing' "$(find "$prefix" -type f)"
finish
