//! What does each kernel gain, by instruction set, beside its plain twin and the best crate? `make bench-kernels` prints it as a table.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use spanwire_kernels::{Level, hex, json, transcode, utf8};

/// Keys and values of W5 and of a span of WR: what texts are like that are looked at one by one.
const SHORT: [&str; 16] = [
    "http.request.method",
    "GET",
    "url.path",
    "/users/42",
    "http.response.status_code",
    "server.load",
    "cache.hit",
    "db.statement",
    "SELECT users.id, users.name, users.email FROM users WHERE users.id = ?",
    "net.peer.name",
    "127.0.0.1",
    "http.user_agent",
    "python-requests/2.32.3",
    "http.target",
    "/api/orders/1337?expand=items",
    "http.flavor",
];
const FRAME: &str =
    "  File \"/app/shop/views.py\", line 42, in checkout\n    raise PaymentDeclined(card)\n";

/// As a stack trace: ASCII of 2 KB.
fn ascii() -> String {
    FRAME.repeat(26)
}

/// Of 2,000 characters: Latin text with a few accents.
fn latin() -> String {
    "Größe der Bestellung geändert, Zürich; naïve café. "
        .chars()
        .cycle()
        .take(2000)
        .collect()
}

/// Of 2,000 characters that take three bytes, and blanks.
fn wide() -> String {
    "追踪 分布式 系统的 性能 "
        .chars()
        .cycle()
        .take(2000)
        .collect()
}

fn group<'c>(
    criterion: &'c mut Criterion,
    name: &str,
    bytes: usize,
) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .sample_size(60)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300))
        .throughput(Throughput::Bytes(bytes as u64));
    group
}

/// A line for each level of this machine.
fn levels(
    group: &mut BenchmarkGroup<'_, WallTime>,
    mut call: impl FnMut(spanwire_kernels::Usable),
) {
    for level in Level::ALL.into_iter().filter_map(Level::usable) {
        group.bench_function(level.level().name(), |bencher| {
            bencher.iter(|| call(black_box(level)));
        });
    }
}

fn validation(criterion: &mut Criterion) {
    let short: usize = SHORT.iter().map(|text| text.len()).sum();
    let mut of = group(criterion, "utf8, 16 short texts", short);
    let each = |check: &mut dyn FnMut(&[u8]) -> bool| {
        black_box(&SHORT).iter().all(|text| check(text.as_bytes()))
    };
    levels(&mut of, |level| {
        assert!(each(&mut |text| utf8::validate_at(level, text)));
    });
    of.bench_function("chosen", |bencher| {
        bencher.iter(|| {
            black_box(&SHORT)
                .iter()
                .all(|text| utf8::validate(text.as_bytes()))
        });
    });
    of.finish();
    for (name, text) in [("ASCII", ascii()), ("Latin", latin()), ("wide", wide())] {
        let mut of = group(criterion, &format!("utf8, {name}"), text.len());
        levels(&mut of, |level| {
            assert!(utf8::validate_at(level, black_box(text.as_bytes())));
        });
        of.finish();
    }
}

fn transcoding(criterion: &mut Criterion) {
    let mut out = Vec::with_capacity(16_384);
    let mut room = vec![0; 16_384];
    for (name, text) in [("ASCII", ascii()), ("Latin", latin()), ("wide", wide())] {
        let ucs4: Vec<u32> = text.chars().map(u32::from).collect();
        let ucs2: Vec<u16> = text.encode_utf16().collect();
        let latin1: Option<Vec<u8>> = ucs4.iter().map(|&unit| u8::try_from(unit).ok()).collect();
        if let Some(units) = latin1 {
            let mut of = group(criterion, &format!("latin1, {name}"), units.len());
            levels(&mut of, |level| {
                out.clear();
                let _ = transcode::latin1_at(level, black_box(&units), &mut out);
            });
            of.bench_function("encoding_rs", |bencher| {
                bencher.iter(|| {
                    encoding_rs::mem::convert_latin1_to_utf8(black_box(&units), &mut room)
                });
            });
            of.finish();
        }
        let mut of = group(criterion, &format!("ucs2, {name}"), ucs2.len() * 2);
        levels(&mut of, |level| {
            out.clear();
            let _ = transcode::ucs2_at(level, black_box(&ucs2), &mut out);
        });
        of.bench_function("encoding_rs", |bencher| {
            bencher.iter(|| encoding_rs::mem::convert_utf16_to_utf8(black_box(&ucs2), &mut room));
        });
        of.finish();
        let mut of = group(criterion, &format!("ucs4, {name}"), ucs4.len() * 4);
        levels(&mut of, |level| {
            out.clear();
            let _ = transcode::ucs4_at(level, black_box(&ucs4), &mut out);
        });
        of.finish();
    }
    let columns: Vec<Vec<u32>> = SHORT
        .iter()
        .map(|text| text.chars().map(u32::from).collect())
        .collect();
    let mut of = group(
        criterion,
        "ucs4, 16 short texts",
        columns.iter().map(|units| 4 * units.len()).sum(),
    );
    levels(&mut of, |level| {
        out.clear();
        for units in black_box(&columns) {
            let _ = transcode::ucs4_at(level, units, &mut out);
        }
    });
    of.finish();
    let words = [
        "Zürich",
        "naïve café",
        "Größe der Bestellung geändert",
        "über uns",
    ];
    let columns: Vec<Vec<u8>> = words
        .map(|text| {
            text.chars()
                .filter_map(|unit| u8::try_from(u32::from(unit)).ok())
                .collect()
        })
        .into();
    let mut of = group(
        criterion,
        "latin1, 4 short texts",
        columns.iter().map(Vec::len).sum(),
    );
    levels(&mut of, |level| {
        out.clear();
        for units in black_box(&columns) {
            let _ = transcode::latin1_at(level, units, &mut out);
        }
    });
    of.finish();
}

fn strings(criterion: &mut Criterion) {
    let mut out = Vec::with_capacity(1 << 16);
    let mut of = group(
        criterion,
        "json string, 16 short texts",
        SHORT.iter().map(|text| text.len()).sum(),
    );
    levels(&mut of, |level| {
        out.clear();
        for text in black_box(&SHORT) {
            json::string_at(level, text, &mut out);
        }
    });
    of.bench_function("serde_json", |bencher| {
        bencher.iter(|| {
            out.clear();
            for text in black_box(&SHORT) {
                serde_json::to_writer(&mut out, text).expect("a Vec takes it");
            }
        });
    });
    of.finish();
    for (name, text) in [("stack trace", ascii()), ("Latin", latin())] {
        let mut of = group(criterion, &format!("json string, {name}"), text.len());
        levels(&mut of, |level| {
            out.clear();
            json::string_at(level, black_box(&text), &mut out);
        });
        of.bench_function("serde_json", |bencher| {
            bencher.iter(|| {
                out.clear();
                serde_json::to_writer(&mut out, black_box(&text)).expect("a Vec takes it");
            });
        });
        of.finish();
    }
}

fn ids(criterion: &mut Criterion) {
    let id = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
    let digits: [u8; 32] = hex::encode(&id);
    let mut of = group(criterion, "hex of a trace id", 16);
    of.bench_function("scalar", |bencher| bencher.iter(|| table(black_box(&id))));
    of.bench_function("loop", |bencher| {
        bencher.iter(|| -> [u8; 32] { hex::encode(black_box(&id)) });
    });
    of.bench_function("hex-simd", |bencher| {
        bencher.iter(|| {
            let mut room = [0; 32];
            let _ = hex_simd::encode(
                black_box(&id),
                hex_simd::Out::from_slice(&mut room),
                hex_simd::AsciiCase::Lower,
            );
            room
        });
    });
    of.finish();
    let mut of = group(criterion, "trace id from hex", 32);
    of.bench_function("scalar", |bencher| {
        bencher.iter(|| by_digit(black_box(&digits)));
    });
    of.bench_function("loop", |bencher| {
        bencher.iter(|| -> Option<[u8; 16]> { hex::decode(black_box(&digits)) });
    });
    of.bench_function("hex-simd", |bencher| {
        bencher.iter(|| {
            let mut room = [0; 16];
            let _ = black_box(
                hex_simd::decode(black_box(&digits), hex_simd::Out::from_slice(&mut room)).is_ok(),
            );
            room
        });
    });
    of.finish();
}

/// As it was written before: two digits a byte from a table.
fn table(bytes: &[u8; 16]) -> [u8; 32] {
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    text
}

/// As it was read before.
fn by_digit(text: &[u8; 32]) -> Option<[u8; 16]> {
    let digit = |text: u8| match text {
        b'0'..=b'9' => Some(text - b'0'),
        b'a'..=b'f' => Some(text - b'a' + 10),
        b'A'..=b'F' => Some(text - b'A' + 10),
        _ => None,
    };
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

criterion_group!(benches, validation, transcoding, strings, ids);
criterion_main!(benches);
