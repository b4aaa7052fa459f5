// SPDX-License-Identifier: MIT
// Intel's IOMMU (VT-d) with DMA remapping: a PCI function reaches the memory that was granted to it, at its
// physical addresses, and nothing else. One unit; with several none is used, and functions that it is not for
// are as without. Source: Intel Virtualization Technology for Directed I/O, Architecture Specification 3.3.
#pragma once

namespace nebulet::machine {

/// Turns it on if ACPI tells of one. After PCI's initialization and the kernel's own devices.
void initialize_iommu();
/// Tells the kernel of what was stopped. In the handler.
void report_dma_faults();

}  // namespace nebulet::machine
