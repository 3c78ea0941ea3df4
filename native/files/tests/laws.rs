//! What is written is read back, however it is framed and compressed; what is broken gives all that is whole, and one error.

use std::io::Cursor;

use proptest::prelude::*;
use spanwire_files::{Compression, FileError, Format, Piece, Reader, Stats, Writer};
use spanwire_wire::{KeyValues, Signal, TraceRequest, validate};

const LIMIT: u64 = 1 << 30;

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        out.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).expect("below 128"));
    out.extend_from_slice(content);
    out
}

fn span(number: u8, name: &str) -> Vec<u8> {
    let attribute = [field(1, b"key"), field(2, &field(1, name.as_bytes()))].concat();
    [
        field(1, &[1; 16]),
        field(2, &[number.max(1); 8]),
        field(5, name.as_bytes()),
        [&[0x39][..], &u64::from(number).to_le_bytes()].concat(),
        field(9, &attribute),
    ]
    .concat()
}

/// A request of so many spans a scope.
fn request(spans: &[(u8, String)], resources: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for name in (b'a'..).take(resources) {
        let resource = field(1, &[field(1, b"service.name"), field(2, &field(1, &[name]))].concat());
        let mut scope = field(1, &field(1, b"scope"));
        for (number, name) in spans {
            scope.extend(field(2, &span(*number, name)));
        }
        out.extend(field(
            1,
            &[field(1, &resource), field(2, &scope), field(3, b"https://schema")].concat(),
        ));
    }
    out
}

fn requests() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let spans = prop::collection::vec((any::<u8>(), "[a-z\"{}\\[\\]\\\\ü]{0,30}"), 0..6);
    prop::collection::vec(
        (spans, 1_usize..3).prop_map(|(spans, resources)| request(&spans, resources)),
        0..5,
    )
}

fn written(requests: &[Vec<u8>], format: Format, compression: Option<Compression>) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), format, compression).expect("in memory");
    for request in requests {
        writer.write(request).expect("valid");
    }
    writer.finish().expect("in memory")
}

fn read(bytes: &[u8], format: Option<Format>) -> (Vec<Piece>, Option<FileError>) {
    let mut reader = Reader::new(Box::new(Cursor::new(bytes.to_vec())), format, LIMIT).expect("opens");
    let mut pieces = Vec::new();
    while let Some(piece) = reader.next_piece() {
        match piece {
            Ok(piece) => pieces.push(piece),
            Err(error) => {
                assert!(reader.next_piece().is_none(), "nothing after an error");
                return (pieces, Some(error));
            }
        }
    }
    (pieces, None)
}

/// Each span with its resource, as it reads.
fn spans(requests: &[Vec<u8>]) -> Vec<String> {
    let mut found = Vec::new();
    for request in requests {
        for resource in TraceRequest::new(request).resources() {
            let resource = resource.expect("valid");
            let service = resource.resource().map(|resource| attributes(resource.attributes()));
            for scope in resource.scopes() {
                for span in scope.expect("valid").items() {
                    let span = span.expect("valid");
                    let (id, name, start) = (span.span_id(), span.name(), span.start_time());
                    let own = attributes(span.attributes());
                    found.push(format!("{service:?} {} {id} {name} {start:?} {own:?}", span.trace_id()));
                }
            }
        }
    }
    found
}

fn attributes(attributes: KeyValues<'_>) -> Vec<(String, String)> {
    attributes
        .map(|one| one.expect("valid"))
        .map(|one| (one.key().to_owned(), format!("{:?}", one.value().expect("valid"))))
        .collect()
}

fn serialized(requests: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for request in requests {
        for resource in TraceRequest::new(request).resources() {
            for scope in resource.expect("valid").scopes() {
                found.extend(
                    scope
                        .expect("valid")
                        .items()
                        .map(|span| span.expect("valid").bytes().to_vec()),
                );
            }
        }
    }
    found
}

fn bodies(pieces: Vec<Piece>) -> Vec<Vec<u8>> {
    pieces.into_iter().map(|piece| piece.request).collect()
}

const COMPRESSIONS: [Option<Compression>; 3] = [None, Some(Compression::Gzip), Some(Compression::Zstd)];

proptest! {
    #[test]
    fn what_is_written_is_guessed_and_read_back(requests in requests(), compression in 0_usize..3, format in 0_usize..5) {
        let compression = COMPRESSIONS[compression];
        let format = Format::ALL[format];
        let file = written(&requests, format, compression);
        let (pieces, error) = read(&file, None);
        prop_assert!(error.is_none(), "{format:?}: {error:?}");
        prop_assert_eq!(spans(&bodies(pieces)), spans(&requests), "{:?}", format);
        // Where the format keeps them apart, requests are the same requests; without spans they may go.
        let (pieces, error) = read(&file, Some(format));
        prop_assert!(error.is_none());
        let read = bodies(pieces);
        if matches!(format, Format::Delimited | Format::Prefixed) {
            prop_assert_eq!(&read, &requests);
        }
        if format == Format::Protobuf {
            prop_assert_eq!(read.concat(), requests.concat());
        }
    }

    #[test]
    fn a_cut_file_gives_all_whole_spans_and_an_error(requests in requests(), at in any::<prop::sample::Index>(), format in 0_usize..5) {
        let format = Format::ALL[format];
        let file = written(&requests, format, None);
        prop_assume!(!file.is_empty());
        let cut = &file[..at.index(file.len())];
        let (pieces, error) = read(cut, Some(format));
        let bodies = bodies(pieces);
        let (found, all) = (spans(&bodies), spans(&requests));
        // Of a JSON document the resource may be behind the break.
        prop_assert!(all.starts_with(&found), "{:?}", format);
        // Each span whose last byte is there is found.
        if matches!(format, Format::Protobuf | Format::Delimited | Format::Prefixed) {
            let mut from = 0;
            for (number, span) in serialized(&requests).iter().enumerate() {
                let begin = file[from..].windows(span.len()).position(|bytes| bytes == span).expect("there");
                from += begin + span.len();
                prop_assert_eq!(from <= cut.len(), number < found.len(), "{:?} cut at {}", format, cut.len());
            }
        }
        if let Some(error) = error {
            let FileError::Broken(broken) = error else { panic!("{error}") };
            prop_assert!(broken.offset <= cut.len() as u64);
        } else {
            prop_assert!(found.len() <= all.len());
        }
    }

    #[test]
    fn one_wrong_byte_loses_nothing_in_front_of_it(requests in requests(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let file = written(&requests, Format::Protobuf, None);
        prop_assume!(!file.is_empty());
        let at = at.index(file.len());
        let mut wrong = file.clone();
        wrong[at] = byte;
        let (pieces, error) = read(&wrong, Some(Format::Protobuf));
        for piece in &pieces {
            prop_assert!(validate(Signal::Traces, &piece.request).is_ok());
        }
        if let Some(FileError::Broken(broken)) = error {
            prop_assert!(broken.offset <= file.len() as u64);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), format in 0_usize..6) {
        let format = Format::ALL.get(format).copied();
        let (pieces, _) = read(&bytes, format);
        let mut stats = Stats::default();
        for piece in pieces {
            prop_assert_eq!(validate(Signal::Traces, &piece.request).expect("valid").items, piece.spans);
            stats.add(&piece.request).expect("valid");
        }
    }

    #[test]
    fn text_near_json_is_read_without_a_panic(text in "[\\{\\}\\[\\]\":,a-z0-9 \\\\]{0,60}", cut in 0_usize..200) {
        let mut document = written(&[request(&[(1, "a".into())], 1)], Format::Json, None);
        document.truncate(document.len().saturating_sub(cut));
        document.extend(text.bytes());
        for piece in read(&document, None).0 {
            prop_assert!(validate(Signal::Traces, &piece.request).is_ok());
        }
    }
}

#[test]
fn frames_of_the_collector_may_be_compressed_each() {
    let requests = [request(&[(1, "a".into())], 1), request(&[(2, "b".into())], 2)];
    for inner in [Format::Protobuf, Format::JsonLines] {
        let mut file = Vec::new();
        for request in &requests {
            let frame = written(std::slice::from_ref(request), inner, Some(Compression::Zstd));
            file.extend(u32::try_from(frame.len()).expect("short").to_be_bytes());
            file.extend(frame);
        }
        let (pieces, error) = read(&file, None);
        assert!(error.is_none(), "{error:?}");
        assert_eq!(spans(&bodies(pieces)), spans(&requests));
        let (pieces, error) = read(&file[..file.len() - 5], None);
        assert_eq!(spans(&bodies(pieces)).len(), 1, "the second cannot be decompressed");
        assert!(error.is_some());
    }
}

#[test]
fn broken_places_are_told() {
    let request = request(&[(1, "aaaa".into()), (2, "bbbb".into())], 1);
    let offset = request.windows(4).rposition(|bytes| bytes == b"bbbb").expect("there");
    let mut wrong = request.clone();
    wrong[offset] = 0xFF;
    for compression in COMPRESSIONS {
        let file = written(std::slice::from_ref(&wrong), Format::Protobuf, compression);
        let (pieces, error) = read(&file, None);
        assert_eq!(pieces.len(), 1);
        assert_eq!(pieces[0].spans, 1);
        let after = if compression.is_some() {
            " after decompression"
        } else {
            ""
        };
        let expected = format!("broken at byte {offset}{after}: a string that is not UTF-8");
        assert_eq!(error.expect("broken").to_string(), expected);
    }
    let (_, error) = read(&request[..request.len() - 30], None);
    let end = request.len() - 30;
    let expected = format!("broken at byte {end}: the data ends inside a message, 30 bytes before its end");
    assert_eq!(error.expect("cut").to_string(), expected);
    let (_, error) = read(b"\n \n{\"resourceSpans\":[{\"scopeSpans\":7}]}", None);
    let said = error.expect("broken").to_string();
    assert!(said.starts_with("broken at byte 35: 7 where an array"), "{said}");
    let (_, error) = read(b"hello, world", None);
    let said = error.expect("nothing of ours").to_string();
    assert!(said.starts_with("broken at byte 0: no OTLP traces"), "{said}");
}

#[test]
fn whole_spans_of_a_broken_document_are_kept() {
    let request = request(&[(1, "a".into()), (2, "b".into()), (3, "c".into())], 1);
    let text = String::from_utf8(written(&[request], Format::Json, None)).expect("text");
    let wrong = text.replace("\"spanId\":\"0303030303030303\"", "\"spanId\":\"03\"");
    assert_ne!(wrong, text);
    let (pieces, error) = read(wrong.as_bytes(), None);
    assert_eq!(pieces[0].spans, 2);
    assert!(error.expect("broken").to_string().contains("spans[2].spanId"));
    let (pieces, error) = read(&text.as_bytes()[..text.len() - 40], None);
    assert_eq!((pieces[0].spans, error.is_some()), (2, true));
}

#[test]
fn more_than_the_limit_is_not_decompressed() {
    let request = request(&[(1, "a".repeat(100_000))], 1);
    for compression in [Compression::Gzip, Compression::Zstd] {
        let file = written(&vec![request.clone(); 100], Format::Protobuf, Some(compression));
        let mut reader = Reader::new(Box::new(Cursor::new(file)), None, 1_000_000).expect("opens");
        let (mut spans, mut error) = (0, None);
        while let Some(piece) = reader.next_piece() {
            match piece {
                Ok(piece) => spans += piece.spans,
                Err(other) => error = Some(other.to_string()),
            }
        }
        assert!((1..10).contains(&spans), "{spans}");
        assert!(error.expect("too large").contains("the limit of 1000000 bytes"));
    }
}
