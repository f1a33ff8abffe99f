#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# Write the completion of dmag(1) for a shell.  The only source is what the program
# says itself: its list of commands, and their options, values and texts (--help).
#
#   completion.sh DMAG bash|zsh|fish	to standard output

set -eu

dmag=$1
shell=$2
dir=$(dirname "$0")

{
	"$dmag" --help | sed -n 's/^.*dmag \([a-z]\{1,\}\) .*/\1/p' | uniq | while read -r command; do
		echo "@command $command"
		"$dmag" "$command" --help
	done
} | awk -v shell="$shell" -f "$dir/completion.awk"
