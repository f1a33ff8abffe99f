#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# run.sh SECONDS PROGRAM: fuzz for that long.  What is found worth keeping is
# kept beside the program, and so is an input that fails.

corpus=$2.corpus
mkdir -p "$corpus"
"$2" -max_total_time="$1" -max_len=4800 -print_final_stats=1 \
	-artifact_prefix="$2-" "$corpus" >"$2.log" 2>&1 || {
	tail -n 60 "$2.log"
	exit 1
}
echo "$(basename "$2"): $(sed -n 's/^Done //p' "$2.log"), seed$(sed -n 's/^INFO: Seed://p' "$2.log")"
