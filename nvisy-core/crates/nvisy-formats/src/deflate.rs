//! gzip and zstd, the mirror of `inflate`. No time and no host name enter the bytes: the same rows give the same object.

use crate::format::Compression;
use flate2::write::GzEncoder;
use nvisy_dal::{Error, ErrorKind, Result};
use std::io::{self, Write};
use zstd::stream::write::Encoder as ZstdEncoder;

/// Collects the bytes of one object.
pub(crate) enum Deflate {
    /// As they are.
    Plain(Vec<u8>),
    /// gzip.
    Gzip(GzEncoder<Vec<u8>>),
    /// zstd with a checksum.
    Zstd(ZstdEncoder<'static, Vec<u8>>),
}

impl Deflate {
    pub(crate) fn new(compression: Compression, level: Option<i32>) -> Result<Self> {
        Ok(match compression {
            Compression::None => Self::Plain(Vec::new()),
            Compression::Gzip => {
                let level = level.and_then(|level| u32::try_from(level).ok()).unwrap_or(6);
                Self::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::new(level)))
            }
            Compression::Zstd => {
                let mut encoder = ZstdEncoder::new(Vec::new(), level.unwrap_or(3)).map_err(failed)?;
                encoder.include_checksum(true).map_err(failed)?;
                Self::Zstd(encoder)
            }
        })
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Plain(out) => out.write_all(bytes),
            Self::Gzip(out) => out.write_all(bytes),
            Self::Zstd(out) => out.write_all(bytes),
        }
        .map_err(failed)
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        match self {
            Self::Plain(out) => Ok(out),
            Self::Gzip(out) => out.finish().map_err(failed),
            Self::Zstd(out) => out.finish().map_err(failed),
        }
    }
}

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Internal, "encode an object", "the compressor failed").with_source(error)
}
