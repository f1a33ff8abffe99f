# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=bash
# Completion of dmag(1) for bash; zsh takes it with bashcompinit.

_dmag()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local words=
	COMPREPLY=()

	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W 'plan diff lint explain show top record report collect --help --version' -- "$cur")
		return
	fi
	case $prev in
	--color)
		words='always never auto'
		;;
	-A | --arch)
		words='arm64 arm riscv x86'
		;;
	-m | --memory | -a | --assume-memory | -M | --mask | -d | --delay | -n | --count | \
		--window | --no-iommu | --cmdline | --require)
		return
		;;
	--root)
		compopt -o dirnames
		return
		;;
	-b | --board)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -X '!*.dt[bs]' -- "$cur"; compgen -d -- "$cur")
		return
		;;
	--overlay)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -X '!*.dtbo' -- "$cur"; compgen -d -- "$cur")
		return
		;;
	--svg | --html | --dmesg | -o | --output)
		compopt -o default
		return
		;;
	*)
		case $cur in
		-*)
			words=$("$1" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -o -e ' --[a-z-]*')
			;;
		*)
			if [ "${COMP_WORDS[1]}" = explain ] || [ "${COMP_WORDS[1]}" = report ]; then
				compopt -o default
			elif [[ ${COMP_WORDS[1]} == @(plan|diff|lint) ]]; then
				compopt -o filenames
				mapfile -t COMPREPLY < <(compgen -f -X '!*.dt[bs]' -- "$cur"; compgen -d -- "$cur")
			fi
			return
			;;
		esac
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _dmag dmag
