//! The loops over texts and ids, by the variant that was chosen for the machine.

use std::hint::black_box;

use spanwire_kernels::{hex, json, transcode, utf8};

use super::Run;

/// Keys and values of a web request's span.
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

fn stack_trace() -> String {
    "  File \"/app/shop/views.py\", line 42, in checkout\n    raise PaymentDeclined(card)\n".repeat(24)
}

/// 2,000 characters that go round.
fn long(text: &str) -> String {
    text.chars().cycle().take(2000).collect()
}

pub fn utf8() -> Run {
    let text = long("Größe der Bestellung geändert, Zürich; naïve café. ");
    Box::new(move |count| {
        for _ in 0..count {
            let short = black_box(&SHORT).iter().all(|text| utf8::validate(text.as_bytes()));
            assert!(short && utf8::validate(black_box(text.as_bytes())));
        }
    })
}

pub fn transcoded() -> Run {
    let latin = long("Größe der Bestellung geändert, Zürich; naïve café. ");
    let latin1: Vec<u8> = latin
        .chars()
        .filter_map(|unit| u32::from(unit).try_into().ok())
        .collect();
    let ucs2: Vec<u16> = long("追踪 分布式 系统的 性能 ").encode_utf16().collect();
    let ucs4: Vec<u32> = long("a trace of 🦀 and more plain text ")
        .chars()
        .map(u32::from)
        .collect();
    let short: Vec<Vec<u32>> = SHORT.iter().map(|text| text.chars().map(u32::from).collect()).collect();
    let mut out = Vec::with_capacity(1 << 16);
    Box::new(move |count| {
        for _ in 0..count {
            out.clear();
            let mut good = transcode::latin1(black_box(&latin1), &mut out).is_ok();
            good &= transcode::ucs2(black_box(&ucs2), &mut out).is_ok();
            good &= transcode::ucs4(black_box(&ucs4), &mut out).is_ok();
            for units in black_box(&short) {
                good &= transcode::ucs4(units, &mut out).is_ok();
            }
            assert!(good);
            black_box(&out);
        }
    })
}

pub fn json_string() -> Run {
    let trace = stack_trace();
    let mut out = Vec::with_capacity(1 << 16);
    Box::new(move |count| {
        for _ in 0..count {
            out.clear();
            for text in black_box(&SHORT) {
                json::string(text, &mut out);
            }
            json::string(black_box(&trace), &mut out);
            black_box(&out);
        }
    })
}

pub fn hexadecimal() -> Run {
    let id = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
    Box::new(move |count| {
        for _ in 0..count {
            let digits: [u8; 32] = hex::encode(black_box(&id));
            let back: Option<[u8; 16]> = hex::decode(black_box(&digits));
            assert_eq!(black_box(back), Some(id));
        }
    })
}
