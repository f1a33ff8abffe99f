// SPDX-License-Identifier: (MIT OR GPL-2.0)
// An IOMMU of AMD, in two blocks that describe the same, and a region of 64 KiB.
[0004]                          Signature : "IVRS"
[0004]                       Table Length : 00000000
[0001]                           Revision : 02
[0001]                           Checksum : 00
[0006]                             Oem ID : "DMAG  "
[0008]                       Oem Table ID : "TEST    "
[0004]                       Oem Revision : 00000000
[0004]                    Asl Compiler ID : "INTL"
[0004]              Asl Compiler Revision : 00000000

[0004]                Virtualization Info : 00203040
[0008]                           Reserved : 0000000000000000

[0001]                      Subtable Type : 10 [Hardware Definition Block]
[0001]                              Flags : 14
[0002]                             Length : 0018
[0002]                           DeviceId : 0002
[0002]                  Capability Offset : 0040
[0008]                       Base Address : 00000000FEB80000
[0002]                  PCI Segment Group : 0000
[0002]                Virtualization Info : 0000
[0004]                  Feature Reporting : 00000000

[0001]                      Subtable Type : 11 [Hardware Definition Block]
[0001]                              Flags : 14
[0002]                             Length : 0028
[0002]                           DeviceId : 0002
[0002]                  Capability Offset : 0040
[0008]                       Base Address : 00000000FEB80000
[0002]                  PCI Segment Group : 0000
[0002]                Virtualization Info : 0000
[0004]                         Attributes : 00000000
[0008]                          EFR Image : 0000000000000000
[0008]                           Reserved : 0000000000000000

[0001]                      Subtable Type : 21 [Memory Definition Block]
[0001]                              Flags : 08
[0002]                             Length : 0020
[0002]                           DeviceId : 0010
[0002]                     Auxiliary Data : 0000
[0008]                           Reserved : 0000000000000000
[0008]                      Start Address : 000000007C000000
[0008]                      Memory Length : 0000000000010000
