#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# In a booted guest, dmag plan --live predicts the groups that dmag show reports.
#
#   tool_guest.sh DMAG-STATIC KERNEL-BUILD-DIR DRIVER.ko WORK-DIR
#
# Four edu devices with three masks, 6 GiB: two restricted groups and a universal
# one.  Compared are reach, members and mask of every group.

set -eu

dmag=$1
kernel=$2
driver=$3
work=$4
log=$work/guest.log

rm -rf "$work/root"
mkdir -p "$work/root/bin" "$work/root/proc" "$work/root/sys"
cp /bin/busybox "$work/root/bin/"
ln -s busybox "$work/root/bin/sh"
cp "$dmag" "$work/root/bin/dmag"
cp "$driver" "$work/root/dmag_edu.ko"
cat >"$work/root/init" <<'END'
#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t debugfs debugfs /sys/kernel/debug
insmod /dmag_edu.ko masks=28,28,30,36
echo === plan
dmag plan --live --json
echo === show
dmag show --json
echo === text
dmag plan --live
dmag show
dmag top --count 2 --delay 1
for d in /sys/kernel/debug/dmag_edu/*; do set -- $d; done
echo === user
adduser -D -H user 2>/dev/null || echo user:x:1000:1000::/:/bin/sh >>/etc/passwd
su -s /bin/sh user -c 'dmag plan --live; dmag show' 2>&1
echo === end
poweroff -f
END
mkdir -p "$work/root/etc"
echo 'root:x:0:0::/:/bin/sh
user:x:1000:1000::/:/bin/sh' >"$work/root/etc/passwd"
chmod 755 "$work/root/init"
(cd "$work/root" && find . | sort | cpio -o -H newc --quiet -R 0:0) >"$work/root.cpio"

# One CPU and no_timer_check, as guest/run.sh boots, which says why; the timeout
# ends hangs only.
timeout -k 5 540 qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -cpu max -m 6G -smp 1 \
	-device edu,dma_mask=0xfffffff -device edu,dma_mask=0xfffffff \
	-device edu,dma_mask=0x3fffffff -device edu,dma_mask=0xfffffffff \
	-kernel "$kernel/arch/x86/boot/bzImage" -initrd "$work/root.cpio" \
	-append "console=ttyS0 no_timer_check panic=-1 quiet" \
	-display none -nodefaults -no-reboot -monitor none -serial "file:$log" </dev/null

python3 - "$log" <<'END'
import json, sys
with open(sys.argv[1], errors="replace") as f:
    parts = dict(p.split("\n", 1) for p in f.read().replace("\r", "").split("=== ")[1:] if "\n" in p)

def load(text):
    return json.JSONDecoder().raw_decode(text[text.index("{"):])[0]

plan, show = load(parts["plan"]), load(parts["show"])
def key(g, members):
    return ([(s["start"], s["last"]) for s in g["reach"]], g["universal"], sorted(members))
said = sorted(key(g, [m["device"] for m in g["members"]]) for g in show["groups"])
planned = sorted(key(g, [d["device"] for d in plan["devices"] if d.get("group") == g["id"]])
                 for g in plan["groups"])
print(json.dumps(planned))
if planned != said:
    sys.exit("the kernel has: " + json.dumps(said))
if len(said) != 3 or not any(len(k[2]) == 2 for k in said):
    sys.exit("these are not the three groups of this guest")
for g in show["groups"]:
    # Scarce here is what is restricted: a quarter of it, 256 MiB at most, whole blocks.
    goal = 0 if g["universal"] else min((g["bytes"] // 4 + (1 << 20)) >> 21 << 21, 256 << 20)
    if g["goal"] != goal or not 0 <= g["protected"] <= goal:
        sys.exit("group %d protects %d of %d bytes, the goal should be %d" %
                 (g["id"], g["protected"], g["goal"], goal))
masks = {m["device"]: int(m["mask"], 16).bit_length() for g in show["groups"] for m in g["members"]}
if masks != {d["device"]: d["mask_bits"] for d in plan["devices"]}:
    sys.exit("masks differ: %r" % masks)
print("plan --live predicted the %d groups of %d devices" % (len(said), len(masks)))
END
