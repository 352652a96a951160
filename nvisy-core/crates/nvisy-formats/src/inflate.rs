//! gzip and zstd, member after member. An object that ends inside a member is an error, never a short result.

use crate::format::Compression;
use flate2::write::MultiGzDecoder;
use nvisy_dal::{Error, ErrorKind, Result};
use std::io::{self, Write as _};
use zstd::stream::raw::{Decoder as ZstdDecoder, InBuffer, Operation as _, OutBuffer};

/// Compressed bytes taken at once: 4 KiB of gzip give at most 4 MiB.
const STEP: usize = 4 * 1024;
/// Room for what zstd gives at once: its own largest block.
const BLOCK: usize = 128 * 1024;

/// Turns the bytes of an object into what they mean.
pub(crate) enum Inflate {
    /// They mean themselves.
    Plain,
    /// gzip; whether any byte came.
    Gzip(Box<MultiGzDecoder<Vec<u8>>>, bool),
    /// zstd; whether a frame is complete just here.
    Zstd(Box<ZstdDecoder<'static>>, bool),
}

impl Inflate {
    pub(crate) fn new(compression: Compression) -> Result<Self> {
        Ok(match compression {
            Compression::None => Self::Plain,
            Compression::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new())), false),
            Compression::Zstd => Self::Zstd(
                Box::new(ZstdDecoder::new().map_err(|error| broken(Compression::Zstd, error))?),
                false,
            ),
        })
    }

    /// Hand what `bytes` mean to `sink`, in pieces.
    pub(crate) fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self {
            Self::Plain => sink(bytes),
            Self::Gzip(decoder, any) => {
                for step in bytes.chunks(STEP) {
                    *any = true;
                    decoder.write_all(step).map_err(|error| broken(Compression::Gzip, error))?;
                    sink(decoder.get_ref())?;
                    decoder.get_mut().clear();
                }
                Ok(())
            }
            Self::Zstd(decoder, complete) => {
                let mut room = vec![0; BLOCK];
                let mut input = InBuffer::around(bytes);
                loop {
                    let mut output = OutBuffer::around(room.as_mut_slice());
                    if input.pos < bytes.len() || !*complete {
                        let hint = decoder
                            .run(&mut input, &mut output)
                            .map_err(|error| broken(Compression::Zstd, error))?;
                        *complete = hint == 0;
                    }
                    let written = output.pos();
                    sink(&room[..written])?;
                    if input.pos == bytes.len() && written < BLOCK {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The object has ended: hand over what is left.
    pub(crate) fn finish(&mut self, mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self {
            Self::Plain | Self::Zstd(_, true) => Ok(()),
            Self::Gzip(_, false) => Err(cut(Compression::Gzip)),
            Self::Gzip(decoder, true) => {
                decoder.try_finish().map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => cut(Compression::Gzip),
                    _ => broken(Compression::Gzip, error),
                })?;
                sink(decoder.get_ref())
            }
            Self::Zstd(_, false) => Err(cut(Compression::Zstd)),
        }
    }
}

fn broken(compression: Compression, error: io::Error) -> Error {
    Error::new(
        ErrorKind::InvalidData,
        "decode an object",
        format!("it is not readable as {}", compression.as_str()),
    )
    .with_hint("check that the object is whole, and set `compression:` if its extension misleads")
    .with_source(error)
}

fn cut(compression: Compression) -> Error {
    Error::new(
        ErrorKind::InvalidData,
        "decode an object",
        format!("its {} data end before their end: the object is cut short", compression.as_str()),
    )
    .with_hint("write or upload the object again")
}
