//! OTLP/JSON, both ways.

use std::hint::black_box;

use spanwire_json::{traces_from_wire, traces_to_wire};

use super::Run;
use crate::w5::{self, ROWS};

pub fn from_wire() -> Run {
    let request = w5::request();
    let mut json = Vec::with_capacity(1 << 20);
    Box::new(move |count| {
        for _ in 0..count / ROWS {
            json.clear();
            traces_from_wire(black_box(&request), &mut json).expect("it was just made");
            black_box(&json);
        }
    })
}

pub fn to_wire() -> Run {
    let mut json = Vec::new();
    traces_from_wire(&w5::request(), &mut json).expect("it was just made");
    let mut request = Vec::with_capacity(1 << 20);
    Box::new(move |count| {
        for _ in 0..count / ROWS {
            request.clear();
            traces_to_wire(black_box(&json), &mut request).expect("it was just made");
            black_box(&request);
        }
    })
}
