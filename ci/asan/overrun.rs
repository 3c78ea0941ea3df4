//! For the self-test: writes one byte behind its buffer.

#[unsafe(no_mangle)]
pub extern "C" fn overrun(length: usize) {
    let mut buffer = vec![0_u8; length];
    // SAFETY: none, and that is what must be found.
    unsafe { std::hint::black_box(&mut buffer).as_mut_ptr().add(length).write_volatile(1) };
}
