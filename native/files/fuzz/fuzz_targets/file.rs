//! Any bytes as a file of each format, compressed or not: every piece is a valid request, nothing comes after an error, and what
//! was read is written, read again, counted and replayed without a loss.
#![no_main]

use std::io::Cursor;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use spanwire_files::{Compression, FileError, Format, Piece, Plan, Reader, Recording, Shift, Stats, Writer};
use spanwire_wire::{Signal, validate};

/// Decompressed bytes that a file may have.
const LIMIT: u64 = 1 << 20;

fn read(bytes: &[u8], format: Option<Format>) -> Option<(Vec<Piece>, Option<FileError>)> {
    let mut reader = Reader::new(Box::new(Cursor::new(bytes.to_vec())), format, LIMIT).ok()?;
    let (mut pieces, mut error) = (Vec::new(), None);
    while let Some(piece) = reader.next_piece() {
        assert!(error.is_none(), "nothing comes after an error");
        match piece {
            Ok(piece) => pieces.push(piece),
            Err(found) => error = Some(found),
        }
    }
    Some((pieces, error))
}

fn spans(pieces: &[Piece]) -> usize {
    pieces.iter().map(|piece| piece.spans).sum()
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, bytes)) = input.split_first() else {
        return;
    };
    let format = Format::ALL.get(usize::from(choice % 8)).copied();
    let Some((pieces, error)) = read(bytes, format) else {
        return;
    };
    if let Some(FileError::Broken(broken)) = &error {
        assert!(broken.unpacked || broken.offset <= bytes.len() as u64, "{broken}");
        assert!(broken.to_string().len() < 20_000, "an error repeats the file");
    }
    let mut stats = Stats::default();
    let mut recording = Recording::default();
    for piece in &pieces {
        assert_eq!(
            validate(Signal::Traces, &piece.request).map(|counts| counts.items),
            Ok(piece.spans)
        );
        stats.add(&piece.request).expect("valid");
        recording.add(&piece.request).expect("valid");
    }
    assert_eq!(
        (stats.spans as usize, recording.len()),
        (spans(&pieces), spans(&pieces))
    );

    let compression = [None, Some(Compression::Gzip), Some(Compression::Zstd)][usize::from(choice / 8 % 3)];
    let written = Format::ALL[usize::from(choice / 24 % 5)];
    let mut writer = Writer::new(Vec::new(), written, compression).expect("in memory");
    for piece in &pieces {
        writer.write(&piece.request).expect("valid");
    }
    let file = writer.finish().expect("in memory");
    // Fields that nobody knows can begin a request so that it looks compressed.
    let looks_packed = compression.is_none() && Compression::detect(&file).is_some();
    if let Some((again, error)) = read(&file, Some(written)).filter(|_| !looks_packed) {
        // JSON may be longer than the limit, and a JSON text of unpaired fields has no form in protobuf.
        assert!(error.is_some() || spans(&again) == spans(&pieces), "{written:?}");
        assert!(
            error.is_none() || file.len() as u64 * 100 > LIMIT || compression.is_some(),
            "{error:?}"
        );
    }

    let plan = Plan {
        speed: [None, Some(1.0), Some(1e-9), Some(1e9)][usize::from(choice / 120 % 4)],
        shift: if choice % 2 == 0 {
            Shift::Keep
        } else {
            Shift::To(1 << 60)
        },
        new_ids: choice % 3 == 0,
        spans: 1 + usize::from(choice % 5),
        bytes: 1000,
        window: Duration::from_secs(1),
    };
    let (mut sent, mut due) = (0, Duration::ZERO);
    while let Some(request) = recording.next_request(&plan).expect("valid") {
        assert_eq!(
            validate(Signal::Traces, &request.request).map(|counts| counts.items),
            Ok(request.spans)
        );
        assert!(request.due >= due, "in the order of time");
        (sent, due) = (sent + request.spans, request.due);
    }
    assert_eq!(sent, recording.len());
});
