//! For the self-test: loses memory.

#[unsafe(no_mangle)]
pub extern "C" fn leak(length: usize) {
    for _ in 0..100 {
        std::hint::black_box(Box::leak(vec![1_u8; length].into_boxed_slice()));
    }
}
