// SPDX-License-Identifier: (MIT OR GPL-2.0)
// An arm64 board like a Raspberry Pi 4: a bus of 1 GiB, at 3 GiB on its own side; two
// PCI host bridges, one of which sees memory at 16 GiB; and terms on the way.
DefinitionBlock ("", "DSDT", 2, "DMAG", "TEST", 1)
{
	Name (BASE, 0xfe000000)
	Scope (\_SB)
	{
		OperationRegion (BLOK, SystemMemory, BASE, 0x100)
		Field (BLOK, DWordAcc, NoLock, Preserve) { CTRL, 32 }
		Mutex (MUTX, 0)
		Method (WORK, 2) { Return (Arg0 + Arg1) }
		Device (CPU0) { Name (_HID, "ACPI0007") Name (_UID, 0) }

		// The bus of legacy devices; its translation is negative.
		Device (GDV0)
		{
			Name (_HID, "ACPI0004")
			Name (_UID, 1)
			Name (_CCA, 0)
			Method (_CRS, 0, Serialized) // which writes to a list of the name in PCI0
			{
				Name (RBUF, ResourceTemplate () {
					Memory32Fixed (ReadWrite, 0, 0x10000, REGS) })
				CreateDWordField (RBUF, REGS._BAS, BASE)
				BASE = 0xfe980000
				Return (RBUF)
			}
			Name (_DMA, ResourceTemplate () {
				QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite, 0, 0xc0000000, 0xffffffff,
					0xffffffff40000000, 0x40000000)
			})
			Device (USB0) { Name (_HID, "BCM2848") Name (_UID, 0) }
		}

		// A list that the method names first.
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A08"))
			Name (_CID, EisaId ("PNP0A03"))
			Name (_CCA, 0)
			Name (_CRS, ResourceTemplate () {
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0, 0, 0x7f, 0, 0x80)
			})
			Method (_DMA, 0, Serialized)
			{
				Name (RBUF, ResourceTemplate () {
					WordBusNumber (ResourceProducer, MinFixed, MaxFixed,
						PosDecode, 0, 0, 0x7f, 0, 0x80)
					DWordMemory (ResourceConsumer, PosDecode, MinFixed, MaxFixed,
						NonCacheable, ReadWrite, 0, 0, 0xbfffffff, 0, 0xc0000000)
				})
				Return (RBUF)
			}
		}

		// Buses from 0x80 on in the same segment: memory is at 16 GiB there.
		Device (PCI1)
		{
			Name (_HID, "PNP0A03")
			Name (_SEG, 0)
			Method (_BBN) { Return (0x80) }
			Name (_CCA, 1)
			Method (_CRS) { Return (WIND) }
			Method (_DMA) { Return (WIND) }
		}
		Name (WIND, ResourceTemplate () {
			QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
				NonCacheable, ReadWrite, 0, 0x400000000, 0x4ffffffff,
				0xfffffffc00000000, 0x100000000)
		})
	}
}
