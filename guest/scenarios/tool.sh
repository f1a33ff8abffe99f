# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# dmag plan --live predicts the groups that dmag show then reports. Four devices
# with three masks: two restricted groups and a universal one. Both print JSON,
# which results.py compares.
#: flavours=none
#: systems=normal
#: memory=6G
#: cpus=1
#: devices=28 28 30 36
#: programs=build/tool/dmag-static

# As /dev/kmsg takes lines of 1000 bytes at most.
folded()
{
	fold -w 500 | tell "$1"
}

as_user()
{
	su -s /bin/sh -c "$1" user >/tmp/said 2>&1
}

load 28,28,30,36
dmag-static plan --live --json | folded PLAN
dmag-static show --json | folded SHOW
for command in "plan --live" show "top --count 2 --delay 1"; do
	check "dmag $command" eval "dmag-static $command >/tmp/said 2>&1"
	tell "" </tmp/said
done

# What was collected is planned to the same answer, here and without this machine.
check "dmag collect" dmag-static collect -o /tmp/copy.tar
mkdir /tmp/copy
tar -x -f /tmp/copy.tar -C /tmp/copy
dmag-static plan --live --json >/tmp/live.json 2>/dev/null
dmag-static plan --live --json --root /tmp/copy >/tmp/copy.json 2>/dev/null
check "the copy is planned alike" cmp /tmp/live.json /tmp/copy.json

# A storm is recorded, and the report shows it.
dmag-static record -d 0.1 -o /tmp/record &
recorder=$!
# shellcheck disable=SC2086 # a list, a name a line
storm start "$(echo $devices | cut -d ' ' -f 1)" 200 500 "$seed"
sleep 4
storm stop
kill -TERM $recorder
wait $recorder
check "dmag record ends well" [ $? = 0 ]
rmmod dmag_storm
check "dmag report" eval "dmag-static report --html /tmp/report.html /tmp/record >/tmp/said 2>&1"
tell "" </tmp/said
# shellcheck disable=SC2016 # fields of awk
check "the report has the storm" awk '$1 ~ /^[0-9]+$/ && $9 > 100 { found = 1 } END { exit !found }' /tmp/said
check "the report has claims by rung" grep "event   claim" /tmp/said
check "the report is drawn" grep -q ">group [0-9]" /tmp/report.html

mkdir -p /etc
printf '%s\n' root:x:0:0::/:/bin/sh user:x:1000:1000::/:/bin/sh >/etc/passwd
for command in "plan --live" show; do
	check "dmag $command by a user fails" eval "! as_user 'dmag-static $command'"
	check "dmag $command says why" grep -E "needs root|is for root" /tmp/said
	tell "" </tmp/said
done
unload
check "none is left" await_groups 0
