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

mkdir -p /etc
printf '%s\n' root:x:0:0::/:/bin/sh user:x:1000:1000::/:/bin/sh >/etc/passwd
for command in "plan --live" show; do
	check "dmag $command by a user fails" eval "! as_user 'dmag-static $command'"
	check "dmag $command says why" grep -E "needs root|is for root" /tmp/said
	tell "" </tmp/said
done
unload
check "none is left" await_groups 0
