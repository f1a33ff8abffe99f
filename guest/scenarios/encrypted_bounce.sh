# SPDX-License-Identifier: (MIT OR GPL-2.0)
# shellcheck shell=dash
# Streaming mappings where memory is encrypted: bounce buffers are decrypted. Stock has
# transient ones from pools that were made at boot, and else converts each.
#: memory=3G
#: devices=30 28 32
#: flavours=compare debug
#: append=cc_test swiotlb=2048
#: allow=DMA-API: cacheline tracking ENOMEM
#: stock_allow=WARNING: CPU: .* swiotlb_map
#: timeout=200

stock_overflow=fails

# Mapped and unmapped over and over.  The mappings convert nothing; a pool that comes or
# goes in the meantime is two blocks, each converted on its own.
encrypted_steady()
{
	local before granted=0 turn

	before=$(conversions)
	for turn in $(seq 20); do
		ctl "$1" alloc softirq mapped 4 65536
		check_granted_well "steady, turn $turn"
		granted=$((granted + $(value granted)))
		unmap "$1" softirq
	done
	row steady 80 $granted 100 stock=fails size=65536
	limit_row steady_conversions 8 $(($(conversions) - before)) unit=conversions
}

# shellcheck disable=SC1091 # the guest has it
. /scenarios/bounce.sh
