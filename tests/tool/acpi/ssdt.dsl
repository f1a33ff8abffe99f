// SPDX-License-Identifier: (MIT OR GPL-2.0)
// What is no constant, or no list of ranges, or on a condition.
DefinitionBlock ("", "SSDT", 2, "DMAG", "TEST", 1)
{
	External (\_SB.PCI1, DeviceObj)
	External (\_SB.WORK, MethodObj)
	Scope (\_SB)
	{
		Device (BUS0) // computed
		{
			Name (_HID, "ACPI0004")
			Name (_CRS, ResourceTemplate () { })
			Method (_DMA, 0, Serialized)
			{
				Name (RBUF, ResourceTemplate () {
					DWordMemory (ResourceProducer, , MinFixed, MaxFixed,
						NonCacheable, ReadWrite, 0, 0, 0x3fffffff, 0,
						0x40000000, , , SIZE)
				})
				CreateDWordField (RBUF, SIZE._LEN, LENG)
				LENG = \_SB.WORK (1, 2)
				Return (RBUF)
			}
		}
		Device (BUS1) // without _CRS
		{
			Name (_HID, "ACPI0004")
			Name (_DMA, ResourceTemplate () {
				DWordMemory (ResourceProducer, , MinFixed, MaxFixed, NonCacheable,
					ReadWrite, 0, 0, 0x1fffffff, 0, 0x20000000) })
		}
		Device (BUS2) // no memory
		{
			Name (_HID, "ACPI0004")
			Name (_CRS, ResourceTemplate () { })
			Name (_DMA, ResourceTemplate () { })
		}
		Device (BUS3) // no list
		{
			Name (_HID, "ACPI0004")
			Name (_CRS, ResourceTemplate () { })
			Name (_DMA, Buffer () { 0x8a, 0x2b, 0 })
		}
		Device (BUS4) // its value is written elsewhere
		{
			Name (_HID, "ACPI0004")
			Name (_CRS, ResourceTemplate () { })
			Name (LIST, ResourceTemplate () {
				DWordMemory (ResourceProducer, , MinFixed, MaxFixed, NonCacheable,
					ReadWrite, 0, 0, 0x1fffffff, 0, 0x20000000) })
			Method (_DMA) { Return (LIST) }
			Method (_INI)
			{
				CreateDWordField (LIST, 0x16, LENG)
				LENG = 0x10000000
			}
		}
		Device (BUS5) // a single byte, which spoils all of it
		{
			Name (_HID, "ACPI0004")
			Name (_CRS, ResourceTemplate () { })
			Name (_DMA, ResourceTemplate () {
				DWordMemory (ResourceProducer, , MinFixed, MaxFixed, NonCacheable,
					ReadWrite, 0, 0, 0x1fffffff, 0, 0x20000000)
				DWordMemory (ResourceProducer, , MinFixed, MaxFixed, NonCacheable,
					ReadWrite, 0, 0x30000000, 0x30000000, 0, 1) })
		}
	}
	If (\_SB.WORK (0, 1) == 1)
	{
		Scope (\_SB.PCI1) { Name (_DMA, ResourceTemplate () { }) }
	}
	\_SB.WORK (1, 1)
	Device (LOST) { Name (_HID, "ACPI0004") }
}
