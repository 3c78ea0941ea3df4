//! The processor's time stamp counter, where it is what the kernel's own clock counts by.

/// Whether the counter runs at one rate on all processors, whatever they do, and this process may read it.
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
pub fn are_steady() -> bool {
    use std::arch::x86_64::__cpuid;
    const LEAF: u32 = 0x8000_0007;
    const INVARIANT: u32 = 1 << 8; // of EDX
    let mut mode: libc::c_int = 0;
    // SAFETY: writes one int, which says whether reading the counter is a fault.
    let failed = unsafe { libc::prctl(libc::PR_GET_TSC, &raw mut mode) } != 0;
    !failed && mode == libc::PR_TSC_ENABLE && __cpuid(0x8000_0000).eax >= LEAF && __cpuid(LEAF).edx & INVARIANT != 0
}

/// The counter; not ordered against other instructions, so it may be some tens of cycles early.
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: every x86-64 has it; `are_steady` has asked whether the kernel lets us.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// Elsewhere the system's clock is cheap, or not known to be a counter.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux", not(miri))))]
pub fn are_steady() -> bool {
    false
}

/// Never asked.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux", not(miri))))]
#[inline(always)]
pub fn now() -> u64 {
    0
}
