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

status 0 'manual' mandoc -T lint -W warning "$prefix/share/man/man1/dmag.1"
# The commands that the program has, and the options that a command's help names but
# for those in its summary: all are in the manual, and each shell offers just them.
commands=$(grep -oE '\{ "[a-z]+", cmd_' "$here/../../tool/main.c" | cut -d '"' -f 2 | sort)
verdict "$([ "$(echo "$commands" | wc -l)" -ge 9 ]; echo $?)" 'the commands of main.c' "$commands"
options()
{
	"$dmag" "$1" --help | awk 'blank != 1 { print } /^$/ { blank++ }' |
		grep -oE -e '--[a-z][a-z-]*' | sort -u
}

# offers SHELL WORD...: what the installed completion offers for the last word
offers()
{
	shell=$1
	shift
	case $shell in
	bash)
		PATH="$prefix/bin:$PATH" bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
			compopt() { echo "compopt $*"; }; _dmag dmag; printf "%s\n" "${COMPREPLY[@]}"' - \
			"$prefix/share/bash-completion/completions/dmag" "$@"
		;;
	zsh) zsh -f "$here/complete.zsh" "$prefix/share/zsh/site-functions" "$@" ;;
	fish)
		(
			export HOME="$work" XDG_CONFIG_HOME="$work" XDG_DATA_HOME="$work"
			# shellcheck disable=SC2016 # fish's variables
			fish --no-config -c 'source $argv[1]; complete -C "$argv[2..]"' \
				"$prefix/share/fish/vendor_completions.d/dmag.fish" "$@" 2>&1 | cut -f 1
		)
		;;
	esac >"$work/out"
}

for command in $commands; do
	for option in $(options "$command"); do
		[ "$option" = --help ] || grep -q -- "-${option#--}" "$prefix/share/man/man1/dmag.1"
		verdict $? "$command $option is in the manual"
	done
done
touch "$work/some.dtb" "$work/some.dts" "$work/some.dtbo" "$work/some.txt"
mkdir "$work/somewhere"
for shell in bash zsh fish; do
	offers "$shell" dmag ''
	grep -E '^[a-z]' "$work/out" | sort -u >"$work/offered"
	[ "$(cat "$work/offered")" = "$commands" ]
	verdict $? "$shell: the commands" "$(cat "$work/offered")"
	for command in $commands; do
		offers "$shell" dmag "$command" --
		grep -E '^--' "$work/out" | sort -u >"$work/offered"
		[ "$(cat "$work/offered")" = "$(options "$command")" ]
		verdict $? "$shell: options of $command" "$(options "$command" | diff - "$work/offered")"
	done
	offers "$shell" dmag plan --arch r
	[ "$(cat "$work/out")" = riscv ]
	verdict $? "$shell: values" "$(cat "$work/out")"
	offers "$shell" dmag plan "$work/so"
	has "$shell: boards" 'some.dtb$'
	has "$shell: sources of boards" 'some.dts$'
	# fish puts what fits first, and shows other files as well.
	[ "$shell" = fish ] || hasnt "$shell: other files" 'some.txt$'
	offers "$shell" dmag diff --overlay "$work/so"
	has "$shell: overlays" 'some.dtbo$'
done

status 0 uninstall make -s -C "$here/../.." uninstall PREFIX="$prefix"
[ -z "$(find "$prefix" -type f)" ]
verdict $? 'uninstall leaves nothing' "$(find "$prefix" -type f)"
finish
