//! Requests into a file of any format, compressed or not.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use spanwire_wire::DecodeError;

use crate::detect::Format;
use crate::unpack::Compression;

/// Why a request was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The destination cannot be written.
    #[error(transparent)]
    Destination(#[from] io::Error),
    /// The request is none.
    #[error("{0}")]
    Request(#[from] DecodeError),
    /// The request does not fit into the format.
    #[error("a request of {0} bytes is too long for a length of four bytes")]
    TooLong(usize),
}

/// Writes requests to a destination.
pub struct Writer<W: Write> {
    out: Packer<W>,
    format: Format,
    /// Something is in the JSON document.
    begun: bool,
    text: Vec<u8>,
}

enum Packer<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

/// The levels that both programs have by default.
const GZIP_LEVEL: u32 = 6;
const ZSTD_LEVEL: i32 = 3;

impl<W: Write> Writer<W> {
    /// Writes in this format, compressed as a whole.
    pub fn new(destination: W, format: Format, compression: Option<Compression>) -> io::Result<Self> {
        let out = match compression {
            None => Packer::Plain(destination),
            Some(Compression::Gzip) => Packer::Gzip(GzEncoder::new(destination, flate2::Compression::new(GZIP_LEVEL))),
            Some(Compression::Zstd) => {
                let mut encoder = zstd::stream::write::Encoder::new(destination, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Packer::Zstd(encoder)
            }
        };
        Ok(Self {
            out,
            format,
            begun: false,
            text: Vec::new(),
        })
    }

    /// Writes a request.
    pub fn write(&mut self, request: &[u8]) -> Result<(), WriteError> {
        self.text.clear();
        match self.format {
            Format::Protobuf => {}
            Format::Delimited => varint(request.len() as u64, &mut self.text),
            Format::Prefixed => {
                let length = u32::try_from(request.len()).map_err(|_| WriteError::TooLong(request.len()))?;
                self.text.extend_from_slice(&length.to_be_bytes());
            }
            Format::JsonLines => {
                spanwire_json::traces_from_wire(request, &mut self.text)?;
                self.text.push(b'\n');
                return Ok(self.out.write_all(&self.text)?);
            }
            Format::Json => {
                spanwire_json::traces_from_wire(request, &mut self.text)?;
                // The resources of all requests are those of one document.
                let resources = self.text.strip_prefix(OPEN).and_then(|text| text.strip_suffix(CLOSE));
                if let Some(resources) = resources {
                    self.out.write_all(if self.begun { b"," } else { OPEN })?;
                    self.out.write_all(resources)?;
                    self.begun = true;
                }
                return Ok(());
            }
        }
        self.out.write_all(&self.text)?;
        Ok(self.out.write_all(request)?)
    }

    /// Hands over what waits, as far as that is possible.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Packer::Plain(out) => out.flush(),
            Packer::Gzip(out) => out.flush(),
            Packer::Zstd(out) => out.flush(),
        }
    }

    /// Ends the file.
    pub fn finish(mut self) -> io::Result<W> {
        if self.format == Format::Json {
            self.out.write_all(if self.begun { CLOSE } else { b"{}" })?;
            self.out.write_all(b"\n")?;
        }
        match self.out {
            Packer::Plain(out) => Ok(out),
            Packer::Gzip(out) => out.finish(),
            Packer::Zstd(out) => out.finish(),
        }
    }
}

/// How a document with spans begins and ends.
const OPEN: &[u8] = b"{\"resourceSpans\":[";
const CLOSE: &[u8] = b"]}";

impl<W: Write> Packer<W> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.write_all(bytes),
            Self::Gzip(out) => out.write_all(bytes),
            Self::Zstd(out) => out.write_all(bytes),
        }
    }
}

/// Appends `value` as a varint.
pub(crate) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7F) as u8);
}
