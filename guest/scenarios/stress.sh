# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# All devices at once, from every context, with memory short and masks equal
# and different; then devices that come and go meanwhile.
#: memory=2G
#: devices=24 28 28 30
#: flavours=normal debug kcsan rt
#: timeout=200

if [ "$flavour" != normal ]; then
	count=400 load_mib=1000 turns=5
else
	count=4000 load_mib=1500 turns=20
fi

load 24,28,28,30
before=$(mem_free_kib)
fill $load_mib
nr=0
for dev in $devices; do
	echo "churn $count $((seed + nr))" >"$edu/$dev/ctl" &
	nr=$((nr + 1))
done
wait
for dev in $devices; do
	result=$(cat "$edu/$dev/ctl")
	say "CTL $dev churn: $result"
	check "$dev: something was granted" [ "$(value granted)" -gt 0 ]
	check "$dev: all that was granted is good" [ "$(value bad)" = 0 ]
done
show_groups "after the churn"

# shellcheck disable=SC2086 # one device a word
set -- $devices
echo "churn $count $seed" >"$edu/$2/ctl" &
turn=0
while [ $turn -lt $turns ]; do
	echo "$3" >$pci/unbind
	echo "$4" >$pci/unbind
	echo "$3" >$pci/bind
	echo "$4" >$pci/bind
	turn=$((turn + 1))
done
wait
result=$(cat "$edu/$2/ctl")
check "others came and went" [ "$(value bad)" = 0 ]
check_groups "three groups again" await_groups 3
unload
unfill
check_groups "none is left" await_groups 0
settle
check "free memory is back" [ $((before - $(mem_free_kib))) -le $((before / 20)) ]
