//! Any bytes as a file, and as the blocks of a file whose header is right: no panic, no time that is not linear, and only sound spans.
#![no_main]

mod check;

use std::fs::File;
use std::io::Write;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use rustix::fs::{MemfdFlags, memfd_create};
use spanwire_durable::Shape;
use spanwire_durable::boot;
use spanwire_durable::format::{Header, PAGE, USED, word};
use spanwire_durable::read::{Segment, Since, read_block};

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    let Some((&kind, rest)) = bytes.split_first() else {
        return;
    };
    // Otherwise whoever draws bytes has to guess a checksum first.
    static BOOT: OnceLock<u128> = OnceLock::new();
    let boot = *BOOT.get_or_init(boot::id);
    let header = Header {
        shape: Shape {
            blocks: 1 + u32::from(kind & 3),
            block_len: PAGE * (3 + usize::from(kind >> 2 & 3)),
            heads_len: PAGE,
        },
        created: 1,
        process: 2,
        boot: if kind & 0x80 == 0 { boot } else { !boot },
    };
    let mut file = header.encode().to_vec();
    file.resize(PAGE, 0);
    file.extend_from_slice(rest);
    read(&file);
    // A block that begins with its words.
    let mut block = vec![0; PAGE];
    block[word::STATE..word::STATE + 8].copy_from_slice(&USED.to_le_bytes());
    for (at, bytes) in word::ALL[1..].iter().zip(rest.chunks_exact(8)) {
        block[*at..*at + 8].copy_from_slice(bytes);
    }
    block.extend_from_slice(rest.get(56..).unwrap_or_default());
    for since in [Since::Then, Since::Restart] {
        let heads_len = usize::from(kind) * 4;
        let found = read_block(&block, heads_len, since).expect("in use");
        check::check(&found, block.len() - PAGE);
    }
});

/// Reads all blocks of a file with that content.
fn read(bytes: &[u8]) {
    let mut file = File::from(memfd_create("segment", MemfdFlags::CLOEXEC).expect("memory"));
    file.write_all(bytes).expect("room");
    use std::io::{Seek, SeekFrom};
    file.seek(SeekFrom::Start(0)).expect("the beginning");
    let Ok(mut segment) = Segment::of(file).expect("readable") else {
        return;
    };
    for index in 0..segment.header.shape.blocks {
        if let Some(found) = segment.block(index).expect("readable") {
            check::check(&found, bytes.len());
        }
    }
}
