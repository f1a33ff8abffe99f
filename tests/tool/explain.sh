#!/bin/sh
# SPDX-License-Identifier: (MIT OR GPL-2.0)
# dmag explain on lines of real reports: the failure, its cause, a remedy.  The
# expected causes are what those reports found, or what the message means.

# shellcheck source=tests/tool/lib.sh
. "$(dirname "$0")/lib.sh"

# explain LOG TITLE CAUSE REMEDY: patterns on the unwrapped answer
explain()
{
	status 0 "$1" "$dmag" explain "$here/logs/$1.log"
	tr '\n' ' ' <"$work/out" >"$work/flat"
	mv "$work/flat" "$work/out"
	has "$1: failure" "1\. .*$2"
	has "$1: cause" " cause .*$3.* do "
	has "$1: remedy" " do .*$4.* groups "
}

# nothing LOG...: they show no failure of DMA memory
nothing()
{
	for log in "$@"; do
		status 0 "$log" "$dmag" explain "$here/logs/$log.log"
		has "$log" '^no failure of DMA memory'
	done
}

explain wifi-leak '0000:05:00.0 \(rtl8192ee\): swiotlb is full' 'used up \(32768 of 32768 slots' 'swiotlb=65536 .*forgets to unmap'
explain wifi-narrow '\(mt7615e\): swiotlb is full, 2 times' 'used up \(31983 of 32768 slots' '64-bit DMA mask'
explain usb-large 'swiotlb is full' 'one mapping of 512 KiB: .* at most 256 KiB' 'dma_max_mapping_size'
explain usb-old '38200000.dwc3 \(dwc3\): swiotlb is full, 2 times' 'swiotlb is used up' 'swiotlb=65536'
explain tsn 'swiotlb is full' '32764 of 32768' 'swiotlb=65536'
explain guest-large 'swiotlb is full' 'one mapping of 2 MiB' 'max_sectors_kb'
explain guest-full 'swiotlb is full' '\(523564 of 524288 slots in use\): .*encrypted guest: all' 'swiotlb=1048576'
explain v3d 'swiotlb is full' 'one mapping of 524 KiB' 'dma_max_mapping_size'
has 'v3d: bus' '2\. .*out of the device.s reach .* cause the bus carries addresses up to 0x3fffffff \(30 bits\), the buffer is at 0x40898000'
explain simpledrm 'out of the device.s reach' 'mask has 32 bits, the buffer has the bus address 0x9de654000, which takes 36' 'mask of 36 bits or more'
explain tuner '\(cx23885\): a buffer is out' 'mask has 32 bits, .* 0x41ad44000, which takes 35; memory is at addresses of up to 35 bits' 'mask of 35 bits or more'
explain axidma 'the kernel refused a DMA mask' 'below 32 bits has to cover all of ZONE_DMA' 'wider mask first'
explain mask-unset 'axidma.0 \(axidma\): the device has no DMA mask' 'never set one' 'dma_set_mask_and_coherent'
explain max-order 'more was asked for than the page allocator ever gives' 'more than MAX_PAGE_ORDER' 'CMA area'
explain framebuffer 'CMA has no free range' 'no run of 6.8 MiB' 'cma=SIZE'
explain vc4 'CMA has no free range, 2 times' 'no run of 8 MiB' 'cma=SIZE'
explain cma-busy 'CMA has no free range, 2 times' 'pinned or under writeback' 'page_owner'
explain zcu106-cma 'CMA could not be reserved' 'no free range of 2 GiB' 'ask for less'
explain sama5-cma 'CMA could not be reserved' 'no free range of 64 MiB' 'alloc-ranges'
explain rpi4-cma 'linux,cma: reserved memory found no place' 'where linux,cma may be' 'widen alloc-ranges'
explain udmabuf 'swiotlb is full' 'one mapping of 8 MiB' '256|dma_max_mapping_size'
has 'udmabuf: coherent' '2\. udmabuf.0: no coherent memory of 8 MiB .*cma=SIZE'
explain dvb 'the atomic pool is used up' 'cannot sleep' 'coherent_pool=4M'
explain icicle-wifi 'no 4 KiB in one piece \(order 0\)' 'ZONE_DMA32 has no free page' 'managed'
explain snapshot 'no 2 MiB in one piece \(order 9\)' 'no sign of the DMA API' 'compaction'
explain jvm 'no 4 KiB in one piece \(order 0\)' 'no sign of the DMA API' 'min_free_kbytes'
explain pi4-53 'fe007000.dma \(bcm2835-dma\): a driver gave up with -EIO' 'the DMA mask was refused' 'wider mask first'
explain pi4-lpae 'fe007000.dma' 'the DMA mask was refused' 'wider mask first'
has 'pi4-lpae: mask' '2\. soc:firmware \(raspberrypi-firmware\): the mask is narrower than ZONE_DMA, 2 times'
has 'pi4-lpae: last' '3\. sd_io_1v8_reg \(gpio-regulator\): a driver found no memory'
explain switchtec '\(switchtec\): swiotlb is full' 'one mapping of 20 MiB' 'dma_max_mapping_size'
has 'switchtec: coherent' '2\. 0000:3b:00.1: no coherent memory of 20 MiB .*set the coherent mask'
explain zfs 'no 4 KiB in one piece' 'no sign of the DMA API' 'min_free_kbytes'
explain writeboost 'no 1 MiB in one piece' 'no sign of the DMA API' 'compaction'

# Reports that were read after the answers above were right.
explain adb 'order 8' 'no sign of the DMA API' 'compaction'
explain aha1542 'no 4 KiB in one piece' 'ZONE_DMA has no free page, .* a process was killed for it' 'managed'
explain amdgpu-dom0 '0000:2f:00.0 \(amdgpu\): swiotlb is full' 'one mapping of 2 MiB' 'dma_max_mapping_size'
explain axi-stream 'CMA has no free range, 2 times' 'no run of 2 MiB' 'cma=SIZE'
explain axidma-mmap 'a driver got no 39.6 MiB for DMA' '4 MiB at most, and no CMA area' 'cma=SIZE'
explain binder 'CMA has no free range' 'in pieces: 1.4 MiB are free, but not 1 MiB in one run' 'cma=SIZE'
explain camera 'CMA has no free range, 2 times' 'pinned or under writeback' 'page_owner'
has 'camera: last' '2\. CMA has no free range '
explain capture 'no 2 MiB in one piece' 'no free run of 512 pages, and the caller could not wait' 'GFP_KERNEL'
explain desktop 'CMA has no free range, 2 times' 'used up' 'cma=SIZE'
explain ehci '0000:02:00.0 \(ehci-pci\): a driver found no memory' 'too narrow for the bus' 'from which mask'
explain hdmirx 'CMA has no free range' 'no run of 2 MiB' 'linux,cma'
explain hmb 'nvme1 \(nvme\): an NVMe drive got no memory' 'Xen.s dom0' 'harmless'
explain jmb585 '0001:01:00.0 \(ahci\): a driver found no memory' 'too narrow for the bus' 'from which mask'
explain jumbo 'order 2' 'no sign of the DMA API' 'min_free_kbytes'
explain kcryptd 'order 0' 'no sign of the DMA API' 'min_free_kbytes'
explain khubd 'no 128 KiB in one piece' 'no free run of 32 pages, and the caller could not wait' 'GFP_KERNEL'
explain kswapd 'order 3' 'no sign of the DMA API' 'compaction'
explain module 'order 0' 'no sign of the DMA API' 'min_free_kbytes'
explain netifd 'order 10' 'no sign of the DMA API' 'compaction'
explain netmap '\(e1000\): swiotlb is full' 'used up' 'swiotlb=65536'
explain nouveau '\(nouveau\): a buffer is out' 'mask has 32 bits, .* 0x10fce00000, which takes 37' 'mask of 40 bits'
explain novena 'CMA met pages that it could not move, 2 times' 'took another range' 'nothing, unless'
explain ntfs 'order 0' 'no sign of the DMA API' 'min_free_kbytes'
explain nvme-scan 'order 4' 'no sign of the DMA API' 'compaction'
explain pae-usb 'a buffer is out of the device.s reach, 2 times' 'mask has 32 bits, .* 0x25dcac000, which takes 34' 'swiotlb=32768'
explain pi3-cma 'CMA has no free range' 'no run of 7.9 MiB' 'cma=SIZE'
explain pi4-emmc 'fe340000.emmc2 \(sdhci-iproc\): swiotlb is full' 'used up' 'swiotlb=65536'
explain pi4-mmc 'fe00700.dma \(bcm2835-dma\): swiotlb is full' 'used up' 'forgets to unmap'
has 'pi4-mmc: mapping' '2\. fe300000.mmcnr \(mmc-bcm2835\): a driver could not map a buffer'
explain pi4-touch 'CMA has no free range' 'no run of 75 MiB' 'cma=SIZE'
explain pi5-ahci '0001:01:00.0 \(ahci\): a driver found no memory' 'took a mask of 32 bits, with which the bus reaches nothing' 'from which mask'
explain pi5-nvme '0001:01:00.0 \(nvme\): a driver found no memory' 'too narrow for the bus' 'from which mask'
explain pool256 'the atomic pool is used up' 'cannot sleep' 'coherent_pool=4M'
explain reload 'the atomic pool is used up' 'cannot sleep' 'coherent_pool=4M'
explain rhel6 'order 2' 'no sign of the DMA API' 'compaction'
explain rk-camera 'CMA met pages' 'pinned or under writeback' 'page_owner'
explain rt2500 'the kernel refused a DMA mask' 'below 32 bits' 'wider mask first'
has 'rt2500: probe' '2\. 0001:11:00.0 \(rt2500pci\): a driver gave up with -EIO'
explain rt5572 'the atomic pool is used up' 'cannot sleep' 'coherent_pool=4M'
explain rtl8190p '0000:05:07.0: swiotlb is full' 'used up' 'forgets to unmap'
explain sas '08:00.0: swiotlb is full, 3 times' 'used up' 'swiotlb=65536'
explain stmmac '0000:00:1d.2 \(intel-eth-pci\): swiotlb is full, 2 times' '32768 of 32768' 'swiotlb=65536'
has 'stmmac: mapping' '2\. 0000:00:1d.2 \(intel-eth-pci\): a driver could not map a buffer'
explain switch-sdk '0000:01:00.0 \(pci\): a driver got no 2 MiB for DMA' 'used up or in pieces' 'cma=SIZE'
explain udmabuf-pool 'CMA has no free range' 'pinned or under writeback' 'page_owner'
explain udmabuf-region 'udmabuf@0x00 .*: a reserved region cannot serve' 'not made a pool at boot' 'align its start'
explain udmabuf-second 'udmabuf@1 .*: swiotlb is full' '128 MiB' 'dma_max_mapping_size'
has 'udmabuf-second: coherent' '2\. udmabuf@1 .*: no coherent memory of 128 MiB .*cma=SIZE'
explain udoo 'order 1' 'no sign of the DMA API' 'compaction'
explain usb-rx 'order 0' 'no sign of the DMA API' 'min_free_kbytes'
explain vc4-lpae 'gpu \(vc4-drm\): a buffer is out' 'addresses up to 0xffffffff \(32 bits\), the buffer is at 0x1a7296000' 'software IO TLB'
explain vmalloc 'order 0' 'no sign of the DMA API' 'min_free_kbytes'
explain vpu 'CMA met pages that it could not move, 2 times' 'took another range' 'nothing, unless'
explain wifi-old '0000:02:00.0 \(rtl8821ae\): swiotlb is full, 2 times' 'used up' 'forgets to unmap'
explain xtensa 'order 0' 'no sign of the DMA API' 'min_free_kbytes'

# 30 reports more: as they were read, the tool was right on 20.
explain logd 'no 8 KiB in one piece \(order 1\)' 'no sign of the DMA API' 'min_free_kbytes'
explain pinephone 'CMA has no free range' 'no run of 7.2 MiB' 'cma=SIZE'
explain remap 'no 64 KiB in one piece \(order 4\)' 'list of .*pages' 'compaction'
explain mencoder 'no 8 KiB in one piece \(order 1\)' 'ZONE_DMA32 .*could not wait' 'GFP_KERNEL'
explain napi 'no 4 KiB in one piece' 'no sign of the DMA API' 'min_free_kbytes'
explain busy 'CMA met pages' 'took another range' 'nothing, unless'
explain apollo 'no 4 MiB in one piece' 'no free run' 'pieces|CMA'
explain kiosk 'gpu .*swiotlb is full' 'one mapping of 1.1 MiB: .* at most 256 KiB' 'dma_max_mapping_size'
explain vb2 'gpu .*swiotlb is full' 'one mapping of 4.7 MiB: .* at most 256 KiB' 'dma_max_mapping_size'
explain ring '0000:01:00.0 \(xhci_hcd\): .*ring' 'memory for .*ring' 'coherent_pool'
explain jetson 'CMA has no free range' 'no run of 245.6 MiB' 'cma=SIZE|linux,cma'
explain vc4-16m 'got no 16 MiB for DMA' '4 MiB at most, and no CMA area' 'cma=SIZE'
explain kinect 'no 512 KiB in one piece \(order 7\)' 'no sign of the DMA API' 'compaction'
explain pool6m 'an atomic pool could not be made' '6 MiB' 'coherent_pool='
explain mxgpu 'got no 16 MiB' '4 MiB at most' 'cma=SIZE'
explain novfsd 'no 64 KiB in one piece \(order 4\)' 'no sign of the DMA API' 'compaction'
explain lan743x '0000:01:00.0 \(lan743x\): a buffer is out' 'mask has 32 bits, .* 0x419400000, which takes 35' 'mask of 35 bits'
explain ssd '0000:01:00.0 \(xhci_hcd\): swiotlb is full' 'used up \(32768 of 32768' 'swiotlb=65536'
explain blackbox 'fe340000.emmc2 \(sdhci-iproc\): swiotlb is full' '27103 of 32768' 'swiotlb=65536'
explain dmabounce 'swiotlb could not be allocated' '32 MiB' 'swiotlb=8192'
explain dwmmc 'fe2c0000.mmc \(dwmmc_rockchip\): swiotlb is full' 'one mapping of 1 MiB: .* at most 256 KiB' 'dma_max_mapping_size'
explain sdcards 'fe340000.mmc \(sdhci-iproc\): swiotlb is full' '30824 of 32768' 'swiotlb=65536 .*forgets to unmap'
explain sdhost 'fe007000.dma-controller \(bcm2835-dma\): swiotlb is full' 'one mapping of 512 KiB: .* at most 256 KiB' 'dma_max_mapping_size'
explain beaglebone 'no 16 KiB in one piece \(order 2\)' 'no sign of the DMA API' 'min_free_kbytes'
explain facetime '0000:00:00.0 \(facetimehd\): swiotlb is full' 'one mapping of 1 MiB: .* at most 256 KiB' 'dma_max_mapping_size'
nothing usb-timeout
explain mptcp '0000:01:00.0 \(xhci_hcd\): .*ring' 'memory for .*ring' 'coherent_pool'
explain imx-vpu 'got no .*memory' 'used up or in pieces' 'cma=SIZE'
explain rga 'out of .*reach' '4 GiB' 'below 4 GiB'
explain coral '38200000.dwc3 \(dwc3\): swiotlb is full' 'used up' 'swiotlb=131072'

# A second draw of 30: as they were read, the tool was right on 25.
explain sof-resume '0000:00:1f.3 \(sof-audio-pci-intel-cnl\): a driver found no memory' 'used up' 'page allocation failure'
explain sof-stress '0000:00:1f.3 \(sof-audio-pci-intel-tgl\): a driver found no memory' 'used up' 'page allocation failure'
explain hda-modprobe 'no 64 KiB in one piece \(order 4\)' 'no sign of the DMA API' 'min_free_kbytes'
explain asahi 'got no 3 MiB for DMA' 'used up or in pieces' 'cma=SIZE'
explain apex '0000:01:00.0 \(apex\): a buffer is out' '0x415400000, which takes 35' 'mask of 35 bits'
explain wifi-load 'fe340000.emmc2 \(sdhci-iproc\): swiotlb is full' 'used up' 'swiotlb=65536'
explain r8152 'no 64 KiB in one piece \(order 4\)' 'no sign of the DMA API' 'min_free_kbytes'
explain chiprx 'no 32 KiB in one piece \(order 3\)' 'no sign of the DMA API' 'min_free_kbytes'
explain mt7621 'no 4 MiB in one piece \(order 10\)' 'no sign of the DMA API' 'min_free_kbytes'
explain render 'no 4 KiB in one piece' 'no sign of the DMA API' 'min_free_kbytes'
explain vega 'kernel refused a DMA mask' 'mask' 'mask'
explain pve-nvme 'nvme0 .*NVMe drive got no memory' 'no such pieces' 'harmless'
explain vc4-bind 'got no memory for DMA' 'used up or in pieces' 'cma=SIZE'
explain tbs-pi5 '0001:03:00.0.*got no memory for DMA' 'nothing is in reach' 'widest mask'
explain tbs-vim3 '0000:01:00.0.*got no memory for DMA' 'used up or in pieces' 'cma=SIZE'
nothing dmar xdp
explain snapdev 'no 64 KiB in one piece \(order 4\)' 'no sign of the DMA API' 'min_free_kbytes'
explain asix 'no 32 KiB in one piece \(order 3\)' 'no sign of the DMA API' 'min_free_kbytes'
explain pktgen 'no 64 KiB in one piece \(order 4\)' 'no sign of the DMA API' 'min_free_kbytes'
explain linux24 'no 4 KiB in one piece' 'no sign of the DMA API' 'min_free_kbytes'
explain bpi-r2 'no 4 KiB in one piece' 'no sign of the DMA API' 'min_free_kbytes'
explain smsc95xx 'no 4 KiB in one piece' 'no sign of the DMA API' 'min_free_kbytes'
explain kdump 'no 128 KiB in one piece \(order 5\)' 'ZONE_DMA has no free run of 32 pages' 'crashkernel=SIZE,low'
explain ath12k '0004:01:00.0 \(ath12k_wifi7_pci\): a driver got no 6.9 MiB for DMA' '4 MiB at most' 'cma=SIZE'
explain zio-dma 'no 4 KiB in one piece' 'no sign of the DMA API' 'min_free_kbytes'
explain rhel62 'no 4 KiB in one piece' 'no sign of the DMA API' 'min_free_kbytes'
explain usb-crash 'gpu \(vc4-drm\): swiotlb is full' 'one mapping of 512 KiB: .* at most 256 KiB' 'dma_max_mapping_size'
nothing igb-avb
explain e100 'no 4 KiB in one piece' 'no sign of the DMA API' 'min_free_kbytes'

# A third draw of 30: as they were read, the tool was right on 26.  14 of them are
# about something else, though some name DMA.
explain sur40 'got no 508 KiB for DMA' 'used up or in pieces' 'cma=SIZE'
explain secex '0.0.0000 \(virtio_ccw\): swiotlb is full' '28249 of 32768' 'swiotlb=65536'
explain nfs-hang 'no 16 KiB in one piece \(order 2\)' 'no sign of the DMA API' 'min_free_kbytes'
explain zconfig 'no 4 KiB in one piece' 'no sign of the DMA API' 'min_free_kbytes'
explain txg-sync 'no 4 KiB in one piece' 'no sign of the DMA API' 'min_free_kbytes'
explain dwc-align 'got no memory for DMA' 'used up' 'cma=SIZE'
explain pi-cma312 'bcm2708_sdhci.0 \(bcm2708_sdhci\): a driver got no memory for DMA' 'used up or in pieces' 'cma=SIZE'
explain pi5-switch '0000:03:00.0 \(xhci_hcd\): a driver found no memory' 'too narrow for the bus' 'from which mask'
explain snp-boot 'swiotlb could not be allocated' 'no free range of .* below 4 GiB' 'make it smaller'
explain qat-mem 'no 128 KiB in one piece \(order 5\)' 'no sign of the DMA API' 'min_free_kbytes'
explain veth 'no 64 KiB in one piece \(order 4\)' 'no sign of the DMA API' 'min_free_kbytes'
explain docker-build 'no 64 KiB in one piece \(order 4\)' 'no sign of the DMA API' 'min_free_kbytes'
explain setns 'no 64 KiB in one piece \(order 4\)' 'no sign of the DMA API' 'min_free_kbytes'
explain keystone 'keystone_enclave: a driver found no memory' 'used up' 'cma=SIZE'
explain mesa-cma 'got no memory for DMA' 'used up or in pieces' 'cma=SIZE'
explain openbmc 'no .*mask' 'never set' 'dma_set_mask'
nothing xhci-dead openipc tinydrm slub adma usb-setup corundum \
	litepcie kvm-boot kasan cma512 dmx-usb mt7601u-stack bumblebee

# A fourth draw of 30, of mailing lists: as they were read, the tool was right on 29.
explain k1-vi 'c0230000.vi \(spacemit-k1xvi\): swiotlb is full' 'one mapping of 1 MiB: .* at most 256 KiB' 'dma_max_mapping_size'
explain iommu-off '0000:00:1a.0 \(ehci-pci\): swiotlb is full' 'there is no swiotlb' 'swiotlb=32768'
explain virtio-small '\(virtio-pci\): swiotlb is full' 'one mapping of 288 KiB: .* at most 256 KiB' 'dma_max_mapping_size'
explain qxl '0000:00:03.0 \(qxl\): swiotlb is full' 'one mapping of 292 KiB: .* at most 256 KiB' 'dma_max_mapping_size'
explain ast '0000:07:00.0 \(ast\): swiotlb is full' 'one mapping of 3 MiB: .* at most 256 KiB' 'dma_max_mapping_size'
explain usb-disk '0000:07:00.0 \(xhci_hcd\): swiotlb is full' 'one mapping of 340 KiB: .* at most 256 KiB' 'dma_max_mapping_size'
explain bttv '1000:04:05.0 \(bttv\): a buffer is out' 'bus carries addresses up to 0xdf000000.* 0xff507000' 'swiotlb=32768'
explain 3ware 'out of the device.s reach, 2 times' 'mask has 32 bits, .* 0x2053d9000, which takes 34' 'swiotlb=32768'
explain libertas 'out of the device.s reach, 2 times' 'hardly any machine has memory at 0x7f0000000012' 'kmalloc'
explain bcm43xx 'out of the device.s reach, 3 times' 'mask has 30 bits, .* 0x58ee7010, which takes 31' 'swiotlb=32768'
explain imx7-csi 'CMA has no free range' 'no run of 31.6 MiB' 'cma=SIZE'
explain ath10k-third 'CMA has no free range' 'no run of 800 KiB' 'cma=SIZE'
explain ls1043a 'CMA has no free range' 'pinned or under writeback' 'page_owner'
explain cma-large 'CMA has no free range' 'pinned or under writeback' 'page_owner'
explain omap-rproc 'CMA has no free range, 4 times' 'pinned or under writeback' 'page_owner'
explain k3-wifi 'no 16 KiB in one piece \(order 2\)' 'ZONE_DMA32 has no free run' 'the machine has no memory there'
explain uvc-guest 'no 128 KiB in one piece \(order 5\)' 'ZONE_DMA32 has no free run' 'smaller pieces'
explain kdump-arm 'order 1' 'ZONE_DMA has no free run of 2 pages' 'crashkernel=SIZE,low'
explain riscv-high 'order 7' 'ZONE_DMA32 has no free run' 'the machine has no memory there'
explain mhi-resume 'no 512 KiB in one piece \(order 7\)' 'ZONE_DMA32 has no free run' 'smaller pieces'
explain riscv-small 'swiotlb could not be allocated' 'no free range' 'swiotlb='
explain kirkwood-dvb 'the atomic pool is used up' 'cannot sleep' 'coherent_pool='
explain gart '0000:03:05.0: an IOMMU has no addresses left' 'mappings fill the addresses' 'iommu=memaper'
explain laptop-wifi '0000:0b:00.0.*: swiotlb is full, 3 times' 'used up' 'swiotlb=65536'
explain bmc-watchdog 'no 64 KiB in one piece \(order 4\)' 'no sign of the DMA API' 'min_free_kbytes'
explain functionfs 'no 64 KiB in one piece \(order 4\)' 'no sign of the DMA API' 'min_free_kbytes'
explain clinfo 'no 2 MiB in one piece \(order 9\)' 'no sign of the DMA API' 'compaction'
explain usb-wifi 'no 32 KiB in one piece \(order 3\)' 'no sign of the DMA API' 'min_free_kbytes'
nothing dma-debug ipu-fault

# With a board, the reach of the device; a PCI device is behind the only bridge.
board pi5
echo '[    1.9] xhci_hcd 0000:01:00.0: can'"'"'t setup: -12' >"$work/usb.log"
status 0 'with a board' "$dmag" explain --board "$work/pi5.dtb" "$work/usb.log"
has 'reach' 'reach /axi/pcie@100000 reaches nothing of 8 GiB with 32 bits \(a guess\)'
has 'masks' 'masks 32-bit cards: nothing; from 37 bits: all 8 GiB'
has 'cause with a board' 'cause the mask is too narrow for the bus'
board pi4
echo 'dwc2 fe980000.usb: swiotlb buffer is full (sz: 4096 bytes), total 32768 (slots), used 0 (slots)' >"$work/dwc2.log"
status 0 'a platform device' "$dmag" explain -b "$work/pi4.dtb" "$work/dwc2.log"
has 'a platform device' 'reach /soc/usb@7e980000 reaches 948 MiB of 3.9 GiB with 32 bits'
has 'out of reach of swiotlb' 'swiotlb is empty, yet no part of it suits the device'

# The words of dmag itself, and of other kernels.
cat >"$work/other.log" <<'END'
[   10] demo 0000:00:01.0: dmag: no 512 pages (blocking) in group 1: [0x1000, 0xfffffff]; owns 65000 of 65438 frames, 976 free, 512 in one run
[   11] demo 0000:00:01.0: dmag: no 16 pages (atomic) in group 1: [0x1000, 0xfffffff]; owns 65000 of 65438 frames, 48 free
[   12] nvme 0000:03:00.0: DMA addr 0x0000000100000000+4096 overflow (mask ffffffff, bus limit 0).
[   13] DMA: failed to allocate 512 KiB GFP_KERNEL|GFP_DMA pool for atomic allocation
[   14] Failed to get suitable pool for fe340000.mmc
[   15] software IO TLB: swiotlb_memblock_alloc: Failed to allocate 67108864 bytes tlb structure
[   16] demo soc:demo: Coherent DMA mask 0xfffffff (pfn 0x10000-0x20000) covers a smaller range of system memory than the DMA zone pfn 0x0-0x30000
[   17] cma: __cma_alloc: reserved: alloc failed, req-size: 512 pages, ret: -12
[   18] cma: number of available pages: 300@100+200@1000=> 900 free of 16384 total pages
[   19] demo 0000:00:02.0: swiotlb buffer is full (sz: 65536 bytes), total 32768 (slots), used 1000 (slots)
END
status 0 'others' "$dmag" explain - <"$work/other.log"
tr '\n' ' ' <"$work/out" >"$work/flat" && mv "$work/flat" "$work/out"
has 'dmag: leak' '1\. 0000:00:01.0 \(demo\): a group had no 2 MiB .* devices hold 64024 of the 65438 frames'
has 'dmag: atomic' '2\. 0000:00:01.0 \(demo\): a group had no 64 KiB .* reserve drained or in pieces'
has 'overflow since 5.10' '\(nvme\): a buffer is out .* mask has 32 bits, the buffer has the bus address 0x100000000, which takes 33'
has 'pool at boot' 'an atomic pool could not be made .* no 512 KiB in one piece were free in the zone of GFP_KERNEL.GFP_DMA'
has 'pool in reach' 'fe340000.mmc: no atomic pool suits the device'
has 'swiotlb at boot' 'swiotlb could not be allocated .* no free range of 64 MiB below 4 GiB'
has 'arm mask' 'the mask is narrower than ZONE_DMA .* a mask of 28 bits'
has 'CMA in pieces' 'the area is in pieces: 3.5 MiB are free, but not 2 MiB in one run'
has 'areas of swiotlb' 'no run of free slots is long enough for 64 KiB, though 31768 of 32768 are free'
cat >"$work/well.log" <<'END'
all is well
[    1] bcm2708_fb soc:fb: Couldn't allocate a DMA channel
[    2] usb 1-1: failed to set interface, error -121
[    3] stress invoked oom-killer: gfp_mask=0x14280ca(GFP_HIGHUSER_MOVABLE|__GFP_ZERO), order=0
END
status 0 'nothing found' "$dmag" explain "$work/well.log"
has 'nothing found' '^no failure of DMA memory'
printf 'x\033[31m 0000:01:00.0: swiotlb buffer is full (sz: 1 bytes)\n' >"$work/steer.log"
status 0 'hostile' "$dmag" explain "$work/steer.log"
hasnt 'escape' "$(printf '\033')"
status 1 'no such log' "$dmag" explain "$work/none.log"
has 'no such log' 'none.log: No such file' err
status 1 'no such board' "$dmag" explain -b "$work/none.dtb" "$work/usb.log"
status 2 'two logs' "$dmag" explain "$work/usb.log" "$work/usb.log"
status 2 'options of plan' "$dmag" explain --json "$work/usb.log"
has 'options of plan' '^dmag: such options are for dmag plan' err
status 0 'help' "$dmag" explain --help
has 'help' '^usage: dmag explain'
finish
