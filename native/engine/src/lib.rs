//! The worker: one native thread a process that exports without the GIL, its counts, and fork.
