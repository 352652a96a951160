//! The step that packs records into objects. An object is named by the ordinal of its first record and always holds the
//! same records, so writing it again after a crash overwrites it with itself.

use crate::parcel::{Parcel, Refusal};
use crate::position::Position;
use arrow_array::{ArrayRef, Int64Array, LargeBinaryArray, RecordBatch, StringArray};
use nvisy_dal::{Error, ErrorKind, Result};
use nvisy_formats::{EncodeOptions, Encoder};
use std::sync::Arc;

pub(crate) struct Encode {
    options: EncodeOptions,
    open: Option<Open>,
}

/// The object being filled.
struct Open {
    /// There is none before the first record: only that has columns for sure.
    encoder: Option<Encoder>,
    from: Position,
    through: Position,
    read: u64,
    refused: Vec<Refusal>,
}

impl Encode {
    pub(crate) fn new(options: EncodeOptions) -> Self {
        Self { options, open: None }
    }

    pub(crate) fn push(&mut self, parcel: Parcel) -> Result<Vec<Parcel>> {
        let mut out = Vec::new();
        let mut rest = parcel;
        loop {
            let room = usize::try_from(self.options.rows - self.rows()).unwrap_or(usize::MAX);
            if rest.data.num_rows() < room && self.options.bytes.is_none() {
                self.add(rest)?;
                return Ok(out);
            }
            // With a limit in bytes the object is looked at every so many rows: often enough to stay near the limit.
            let step = if self.options.bytes.is_some() { room.min(1_000) } else { room };
            let step = step.min(rest.data.num_rows());
            let (head, tail) = rest.cut_rows(step)?;
            self.add(head)?;
            if self.rows() >= self.options.rows
                || self.options.bytes.is_some_and(|bytes| self.bytes() >= bytes)
            {
                out.extend(self.close()?);
            }
            if tail.data.num_rows() == 0 && tail.read == 0 {
                return Ok(out);
            }
            rest = tail;
        }
    }

    /// The last object, at the end of the stream.
    pub(crate) fn finish(&mut self) -> Result<Option<Parcel>> {
        self.close()
    }

    fn rows(&self) -> u64 {
        self.open.as_ref().and_then(|open| open.encoder.as_ref()).map_or(0, Encoder::rows)
    }

    fn bytes(&self) -> u64 {
        self.open.as_ref().and_then(|open| open.encoder.as_ref()).map_or(0, Encoder::bytes)
    }

    fn add(&mut self, parcel: Parcel) -> Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(Open {
                encoder: None,
                from: parcel.from.clone(),
                through: parcel.from.clone(),
                read: 0,
                refused: Vec::new(),
            }),
        };
        if parcel.data.num_rows() > 0 {
            let encoder = match &mut open.encoder {
                Some(encoder) => encoder,
                None => open.encoder.insert(Encoder::new(&self.options, parcel.data.schema())?),
            };
            encoder.write(&parcel.data)?;
        }
        let before = open.read;
        open.refused.extend(
            parcel.refused.into_iter().map(|refusal| Refusal { place: refusal.place + before, ..refusal }),
        );
        open.read += parcel.read;
        open.through = parcel.through;
        Ok(())
    }

    fn close(&mut self) -> Result<Option<Parcel>> {
        let Some(open) = self.open.take() else {
            return Ok(None);
        };
        let data = match open.encoder {
            Some(encoder) => self.object(open.from.records, &encoder.finish()?)?,
            None => RecordBatch::new_empty(Arc::new(arrow_schema::Schema::empty())),
        };
        Ok(Some(Parcel::packed(data, open.read, open.refused, open.from, open.through)))
    }

    fn object(&self, ordinal: u64, bytes: &[u8]) -> Result<RecordBatch> {
        let path = self.options.object_name(ordinal);
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("path", Arc::new(StringArray::from(vec![path])), false),
            ("data", Arc::new(LargeBinaryArray::from_vec(vec![bytes])), false),
            ("content_type", Arc::new(StringArray::from(vec![self.options.content_type()])), true),
            ("size", Arc::new(Int64Array::from(vec![size])), false),
        ];
        RecordBatch::try_from_iter_with_nullable(columns)
            .map_err(|error| Error::new(ErrorKind::Internal, "make an object", error.to_string()))
    }
}
