//! What `make bench-guard` counts: `spanwire-guard KERNEL` warms up, does a round of operations, and some more, and marks where each
//! round begins and ends by a call of `getppid`, at which callgrind writes down what was executed since (`--dump-before=getppid`).
//! Without a name: all kernels, and the operations of a round.
//!
//! Everything that is read or made is the same in each run, so that the counts are.

mod kernels;
mod w5;

use std::process::ExitCode;

use kernels::{KERNELS, Kernel};

/// The second has what the first one allocated; a third tells whether that is all.
const ROUNDS: usize = 3;

/// Where callgrind is to write: nothing else of this program calls it.
fn mark() {
    std::hint::black_box(std::os::unix::process::parent_id());
}

fn measure(kernel: &Kernel) {
    let mut run = (kernel.make)();
    run(kernel.count);
    for _ in 0..ROUNDS {
        mark();
        run(kernel.count);
        mark();
    }
}

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        for kernel in KERNELS {
            println!("{}\t{}\t{}", kernel.name, kernel.count, kernel.what);
        }
        return ExitCode::SUCCESS;
    };
    let Some(kernel) = KERNELS.iter().find(|kernel| kernel.name == name) else {
        eprintln!("spanwire-guard: there is no kernel {name}");
        return ExitCode::FAILURE;
    };
    measure(kernel);
    ExitCode::SUCCESS
}
