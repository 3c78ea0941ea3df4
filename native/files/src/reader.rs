//! A file, request by request.
//!
//! Whatever the file is, a [`Piece`] is a valid request. When the file breaks, what is whole in front of the break comes first, then
//! one error, then nothing more.

use std::io::{self, Read};

use spanwire_wire::{Signal, count_items, validate};

use crate::detect::{BYTE_ORDER_MARK, Format, detect, is_object, is_space};
use crate::error::{Broken, FileError, of_source};
use crate::input::Input;
pub use crate::input::MAX_MESSAGE;
use crate::json::{self, Scanner};
use crate::salvage::{Head, head, salvage};
use crate::unpack::{Compression, unpack, unpack_all};

/// In protobuf without lengths, resources are handed over together up to so many bytes.
const PIECE: usize = 1 << 20;

/// Bytes of a request's length, where it has a fixed width.
const PREFIX: usize = 4;

/// A request of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// A valid `ExportTraceServiceRequest`.
    pub request: Vec<u8>,
    /// Spans in it.
    pub spans: usize,
}

/// Reads requests from a source.
pub struct Reader {
    input: Input,
    layers: Vec<Compression>,
    format: Option<Format>,
    begun: bool,
    left: u64,
    error: Option<FileError>,
    ended: bool,
}

/// Where the next message is.
enum Found {
    /// It takes so many bytes, of which the first do not belong to it.
    Message { skip: usize, size: usize },
    /// There is none.
    End,
    /// What is left is no whole message: what should be there, and bytes that do not belong to it.
    Cut { skip: usize, what: Option<String> },
}

impl Reader {
    /// `format` is guessed where it is `None`. What is compressed may have `limit` bytes when decompressed.
    pub fn new(source: Box<dyn Read + Send + Sync>, format: Option<Format>, limit: u64) -> io::Result<Self> {
        let (input, layers) = unpack(source, limit).map_err(|error| of_source(error).unwrap_or_else(|other| other))?;
        Ok(Self {
            input,
            layers,
            format,
            begun: false,
            left: limit,
            error: None,
            ended: false,
        })
    }

    /// The compressions around it, from the outside in. (Requests in it may have their own.)
    #[must_use]
    pub fn layers(&self) -> &[Compression] {
        &self.layers
    }

    /// The format: what was said, or a guess, for which it reads on; `None` if nothing that is known begins so.
    pub fn format(&mut self) -> Option<Format> {
        self.format = self.format.or_else(|| detect(&mut self.input));
        self.format
    }

    /// Decompressed bytes read so far, of whole messages.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.input.position()
    }

    /// The next request; after an error there is none.
    pub fn next_piece(&mut self) -> Option<Result<Piece, FileError>> {
        while !self.ended {
            if let Some(error) = self.error.take() {
                self.ended = true;
                return Some(Err(error));
            }
            if let Some(request) = self.read()
                && let Ok(spans) = count_items(Signal::Traces, &request)
                && !request.is_empty()
            {
                return Some(Ok(Piece { request, spans }));
            }
        }
        None
    }

    /// A request, or none: then it has ended, or there is an error, or the request was empty.
    fn read(&mut self) -> Option<Vec<u8>> {
        let Some(format) = self.format() else {
            let failure = self.input.take_failure();
            self.error = Some(match failure {
                Some(failure) => self.failed(0, failure),
                None => FileError::Broken(self.layers_broken(0, UNKNOWN.to_owned())),
            });
            return None;
        };
        if !self.begun {
            self.begun = true;
            if matches!(format, Format::Json | Format::JsonLines) && self.input.fill(3).starts_with(BYTE_ORDER_MARK) {
                self.input.consume(BYTE_ORDER_MARK.len());
            }
        }
        let found = match format {
            Format::Protobuf => self.find_fields(),
            Format::Delimited => self.find_delimited(),
            Format::Prefixed => self.find_prefixed(),
            Format::Json | Format::JsonLines => self.find_object(),
        };
        match found {
            Found::End => {
                self.ended = true;
                self.error = None;
                if let Some(failure) = self.input.take_failure() {
                    self.ended = false;
                    self.error = Some(self.failed(self.input.position(), failure));
                }
                None
            }
            Found::Message { skip, size } => {
                let message = self.input.buffered()[skip..skip + size].to_vec();
                let base = self.input.position() + skip as u64;
                self.input.consume(skip + size);
                Some(self.request(format, message, base))
            }
            Found::Cut { skip, what } => {
                let begin = self.input.position();
                let rest = self.input.buffered().get(skip..).unwrap_or_default().to_vec();
                let base = self.input.position() + skip as u64;
                self.input.consume(skip + rest.len());
                let end = base + rest.len() as u64;
                let request = self.request(format, rest, base);
                // Why it is cut is more than what it looks like.
                if let Some(failure) = self.input.take_failure() {
                    self.error = Some(self.failed(end, failure));
                } else if let Some(what) = what {
                    self.broken(begin, what);
                } else if self.error.is_none() {
                    self.broken(end, "the data ends inside a message".to_owned());
                }
                Some(request)
            }
        }
    }

    /// Whole fields of a request that goes on to the end of the file.
    fn find_fields(&mut self) -> Found {
        let mut size = 0;
        loop {
            let bytes = self.input.buffered();
            match head(&bytes[size..]) {
                Head::Whole(total) => {
                    size += total;
                    if size >= PIECE {
                        break;
                    }
                }
                // What is whole goes first: more may be long in coming.
                _ if size > 0 => break,
                Head::Cut { total, .. } => {
                    if total > MAX_MESSAGE && total > self.input.fill(MAX_MESSAGE).len() {
                        return Found::Cut {
                            skip: 0,
                            what: (self.input.buffered().len() >= MAX_MESSAGE).then(|| too_long(total)),
                        };
                    }
                    if self.input.fill(total).len() < total {
                        return Found::Cut { skip: 0, what: None };
                    }
                }
                Head::CutHeader => {
                    let have = bytes.len();
                    if self.input.fill(have + 1).len() == have {
                        return if have == 0 {
                            Found::End
                        } else {
                            Found::Cut { skip: 0, what: None }
                        };
                    }
                }
                // Nobody writes groups; without a length they end where the file does, or it is an error.
                Head::Group | Head::Bad(_) => {
                    size = self.input.fill(MAX_MESSAGE).len();
                    break;
                }
            }
        }
        Found::Message { skip: 0, size }
    }

    fn find_delimited(&mut self) -> Found {
        let bytes = self.input.fill(10);
        if bytes.is_empty() {
            return Found::End;
        }
        match spanwire_wire::varint::decode_varint32(bytes) {
            Ok((size, skip)) => self.find_sized(skip, usize::try_from(size).unwrap_or(usize::MAX)),
            Err(_) => Found::Cut {
                skip: bytes.len(),
                what: Some("no length where a request's should be".to_owned()),
            },
        }
    }

    fn find_prefixed(&mut self) -> Found {
        let bytes = self.input.fill(PREFIX);
        match bytes.first_chunk::<PREFIX>() {
            None if bytes.is_empty() => Found::End,
            None => Found::Cut {
                skip: bytes.len(),
                what: None,
            },
            Some(length) => {
                let size = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                self.find_sized(PREFIX, size)
            }
        }
    }

    fn find_sized(&mut self, skip: usize, size: usize) -> Found {
        if size > MAX_MESSAGE {
            let what = Some(too_long(size));
            return Found::Cut {
                skip: self.input.buffered().len(),
                what,
            };
        }
        if self.input.fill(skip + size).len() < skip + size {
            return Found::Cut { skip, what: None };
        }
        Found::Message { skip, size }
    }

    fn find_object(&mut self) -> Found {
        let mut space = 0;
        let first = loop {
            let bytes = self.input.fill(space + 1);
            match bytes.get(space) {
                Some(&byte) if is_space(byte) => space += 1,
                other => break other.copied(),
            }
        };
        self.input.consume(space);
        match first {
            None => return Found::End,
            Some(b'{') => {}
            Some(_) => {
                return Found::Cut {
                    skip: 0,
                    what: Some("no JSON object where a document's should begin".to_owned()),
                };
            }
        }
        let mut scanner = Scanner::default();
        loop {
            if let Some(size) = scanner.end(self.input.buffered()) {
                return Found::Message { skip: 0, size };
            }
            let have = scanner.seen;
            if have > MAX_MESSAGE {
                return Found::Cut {
                    skip: 0,
                    what: Some(too_long(have)),
                };
            }
            if self.input.fill(have + 1).len() == have {
                return Found::Cut { skip: 0, what: None };
            }
        }
    }

    /// What a message holds; with an error, what is whole in front of it.
    fn request(&mut self, format: Format, message: Vec<u8>, base: u64) -> Vec<u8> {
        match format {
            Format::Json | Format::JsonLines => self.read_json(&message, base),
            Format::Prefixed if Compression::detect(&message).is_some() => {
                let (plain, error) = unpack_all(&message, self.left.min(MAX_MESSAGE as u64));
                self.left = self.left.saturating_sub(plain.len() as u64);
                let request = self.read_either(plain, base);
                if let Some(FileError::Broken(inner)) = self.error.take() {
                    let at = inner.offset - base;
                    let what = format!(
                        "the request here, at its own byte {at} after decompression: {}",
                        inner.what
                    );
                    self.broken(base, what);
                }
                if let Some(error) = error {
                    self.broken(base, format!("the request here cannot be decompressed: {error}"));
                }
                request
            }
            Format::Prefixed => self.read_either(message, base),
            Format::Protobuf | Format::Delimited => self.read_protobuf(message, base),
        }
    }

    fn read_either(&mut self, message: Vec<u8>, base: u64) -> Vec<u8> {
        if validate(Signal::Traces, &message).is_err() && is_object(&message) != Some(false) {
            self.read_json(&message, base)
        } else {
            self.read_protobuf(message, base)
        }
    }

    fn read_protobuf(&mut self, message: Vec<u8>, base: u64) -> Vec<u8> {
        if validate(Signal::Traces, &message).is_ok() {
            return message;
        }
        let (kept, at, what) = salvage(&message);
        self.broken(base + at as u64, what);
        kept
    }

    fn read_json(&mut self, document: &[u8], base: u64) -> Vec<u8> {
        let mut request = Vec::new();
        let Err(error) = spanwire_json::traces_to_wire(document, &mut request) else {
            return request;
        };
        let at = json::offset(document, &error);
        self.broken(base + at as u64, error.to_string());
        // An element's error can stand behind its end, so the span in front of it is tried too.
        let mut end = at;
        for _ in 0..2 {
            let Some(part) = json::whole_part(document, end) else {
                break;
            };
            if spanwire_json::traces_to_wire(&part, &mut request).is_ok() {
                break;
            }
            end = part.len().saturating_sub(json::AFTER_SPAN.len() + 1);
        }
        request
    }

    fn broken(&mut self, offset: u64, what: String) {
        self.error = Some(FileError::Broken(self.layers_broken(offset, what)));
    }

    fn layers_broken(&self, offset: u64, what: String) -> Broken {
        Broken {
            offset,
            unpacked: !self.layers.is_empty(),
            what,
        }
    }

    fn failed(&self, at: u64, error: io::Error) -> FileError {
        match of_source(error) {
            Ok(error) => FileError::Source(error),
            Err(error) => {
                let names: Vec<_> = self.layers.iter().rev().map(|layer| layer.name()).collect();
                let what = format!(
                    "the {} data cannot be decompressed further: {error}",
                    names.join(" in ")
                );
                FileError::Broken(self.layers_broken(at, what))
            }
        }
    }
}

const UNKNOWN: &str = "no OTLP traces begin like this, neither as protobuf (plain or with lengths) nor as JSON";

fn too_long(size: usize) -> String {
    format!("a message of {size} bytes, where {MAX_MESSAGE} are the most")
}
