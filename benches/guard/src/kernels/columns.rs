//! Columns to requests and back.

use std::hint::black_box;

use spanwire_columns::decode;

use super::Run;
use crate::w5::{self, Columns, ROWS};

pub fn encode() -> Run {
    let (columns, heads) = (Columns::new(), w5::heads());
    let mut memory = Vec::new();
    Box::new(move |count| {
        for _ in 0..count / ROWS {
            memory.clear();
            let request = black_box(&columns).request(&heads, std::mem::take(&mut memory));
            memory = black_box(request.expect("the columns are whole"));
        }
    })
}

pub fn decode() -> Run {
    let request = w5::request();
    Box::new(move |count| {
        for _ in 0..count / ROWS {
            let columns = decode::decode(black_box(&request)).expect("it was just made");
            assert_eq!(black_box(columns).rows, ROWS);
        }
    })
}
