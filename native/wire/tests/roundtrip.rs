//! What a writer writes, the readers read, in every way in which protobuf lets it be written.

#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a test: small numbers, and it may fail"
)]

mod common;
#[path = "common/strategies.rs"]
mod strategies;

use common::plain::{self, Noise};
use common::{model, read, region, sample};
use proptest::prelude::*;
use spanwire_wire::{Signal, count_items, validate};

#[test]
fn every_field_of_every_message_is_read() {
    let request = sample::request();
    let bytes = plain::request(&request, &mut Noise::none());
    assert_eq!(read::request(&bytes), Ok(request.clone()));
    assert_eq!(validate(Signal::Traces, &bytes), Ok(read::counts(&request)));
    assert_eq!(count_items(Signal::Traces, &bytes), Ok(2));
    assert_eq!(region::request(&request), bytes);
}

#[test]
fn an_empty_request_holds_nothing() {
    assert_eq!(read::request(&[]), Ok(model::Request::default()));
    assert_eq!(validate(Signal::Traces, &[]), Ok(spanwire_wire::Counts::default()));
}

proptest! {
    #![proptest_config(strategies::cases(64))]

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn a_request_in_field_order_reads_back(request in strategies::request()) {
        let bytes = plain::request(&request, &mut Noise::none());
        prop_assert_eq!(validate(Signal::Traces, &bytes), Ok(read::counts(&request)));
        prop_assert_eq!(count_items(Signal::Traces, &bytes), Ok(read::counts(&request).items));
        prop_assert_eq!(read::request(&bytes), Ok(request));
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn a_request_in_any_odd_form_reads_back(request in strategies::request(), seed: u64) {
        let bytes = plain::request(&request, &mut Noise::seeded(seed));
        prop_assert_eq!(validate(Signal::Traces, &bytes), Ok(read::counts(&request)));
        prop_assert_eq!(count_items(Signal::Traces, &bytes), Ok(read::counts(&request).items));
        prop_assert_eq!(read::request(&bytes), Ok(request));
    }

    #[test]
    fn the_writers_write_what_the_plain_writer_writes(request in strategies::request()) {
        prop_assert_eq!(region::request(&request), plain::request(&request, &mut Noise::none()));
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing unsafe in it")]
    fn two_requests_after_one_another_are_one(one in strategies::request(), other in strategies::request()) {
        let mut bytes = plain::request(&one, &mut Noise::none());
        bytes.extend(plain::request(&other, &mut Noise::none()));
        let both = model::Request { resources: [one.resources, other.resources].concat() };
        prop_assert_eq!(read::request(&bytes), Ok(both));
    }
}
