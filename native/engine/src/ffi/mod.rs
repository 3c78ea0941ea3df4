//! Calls into libc: scheduling. The only unsafe code of this crate is in this folder.

pub mod fork;

/// Lets this thread wait for its turn when it is woken, instead of taking the processor from whoever woke it: that is an
/// application's thread in the middle of ending a span. Where the system refuses, nothing changes.
pub fn do_not_preempt() {
    // SAFETY: changes the calling thread's scheduling only; all zeros are valid parameters, of priority 0.
    unsafe {
        let parameters: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const parameters);
    }
}
