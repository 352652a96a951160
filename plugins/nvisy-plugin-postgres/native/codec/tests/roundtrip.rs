//! What is encoded is decoded to the same, whatever the types, and however the stream is cut.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by it")]

mod columns;

use arrow_array::{Array as _, ArrayRef, Int64Array, RecordBatch, StringArray};
use columns::{Table, table};
use nvisy_postgres_copy::{Decoder, Encoder};
use proptest::prelude::*;
use std::sync::Arc;

fn encoder(table: &Table, ordinal: bool) -> Encoder {
    let columns: Vec<_> = table.columns.iter().map(|column| (column.name.clone(), column.wire)).collect();
    let columns: Vec<_> = columns.iter().map(|(name, wire)| (name.as_str(), *wire)).collect();
    Encoder::new(&columns, ordinal).unwrap()
}

fn decoder(table: &Table) -> Decoder {
    let columns: Vec<_> = table.columns.iter().collect();
    let columns: Vec<_> =
        columns.iter().map(|column| (column.name.as_str(), column.wire, column.json, true)).collect();
    Decoder::new(&columns).unwrap()
}

/// The rows of a stream that comes in pieces of these sizes and is taken by these numbers of rows.
fn decode(mut decoder: Decoder, bytes: &[u8], pieces: &[usize], takes: &[usize]) -> Vec<RecordBatch> {
    let (mut batches, mut rest, mut turn) = (Vec::new(), bytes, 0);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(pieces[turn % pieces.len()].min(rest.len()));
        let ready = decoder.feed(piece).unwrap();
        let most = takes[turn % takes.len()];
        if let Some(batch) = decoder.take(most).unwrap() {
            assert!(batch.num_rows() == ready.min(most));
            batches.push(batch);
        }
        (rest, turn) = (after, turn + 1);
    }
    decoder.finish().unwrap();
    while let Some(batch) = decoder.take(7).unwrap() {
        batches.push(batch);
    }
    assert_eq!(decoder.buffered(), 0);
    batches
}

/// Compare the parts one after another with the whole, column by column.
fn assert_same(whole: &RecordBatch, parts: &[RecordBatch]) {
    assert_eq!(parts.iter().map(RecordBatch::num_rows).sum::<usize>(), whole.num_rows());
    let mut row = 0;
    for part in parts {
        assert_eq!(part.schema(), whole.schema());
        for (there, here) in part.columns().iter().zip(whole.columns()) {
            assert_eq!(there, &here.slice(row, part.num_rows()));
            there.to_data().validate_full().unwrap();
        }
        row += part.num_rows();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_come_back_however_the_stream_is_cut(
        table in table(),
        pieces in prop::collection::vec(1..300_usize, 1..5),
        takes in prop::collection::vec(1..40_usize, 1..5),
    ) {
        let encoded = encoder(&table, false).encode(&table.batch).unwrap();
        prop_assert_eq!(&encoded.rejected, &[]);
        assert_same(&table.batch, &decode(decoder(&table), &encoded.bytes, &pieces, &takes));
    }

    #[test]
    fn pieces_make_the_whole_stream(table in table(), least in 0..2_000_usize) {
        let mut stream = encoder(&table, true).begin(table.batch.clone()).unwrap();
        let mut bytes = Vec::new();
        loop {
            let piece = stream.piece(least).unwrap();
            if piece.is_empty() {
                break;
            }
            bytes.extend(piece);
        }
        let whole = encoder(&table, true).encode(&table.batch).unwrap();
        prop_assert_eq!((&bytes, stream.rejected()), (&whole.bytes, &whole.rejected[..]));
    }

    #[test]
    fn a_slice_is_its_rows(table in table(), from in 0..50_usize, rows in 0..50_usize) {
        let from = from.min(table.batch.num_rows());
        let slice = table.batch.slice(from, rows.min(table.batch.num_rows() - from));
        let encoded = encoder(&table, false).encode(&slice).unwrap();
        assert_same(&slice, &decode(decoder(&table), &encoded.bytes, &[usize::MAX], &[1 << 20]));
    }

    #[test]
    fn hostile_bytes_are_rows_or_an_error(
        table in table(),
        wrong in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        piece in 1..500_usize,
    ) {
        let mut bytes = encoder(&table, false).encode(&table.batch).unwrap().bytes;
        for (place, byte) in wrong {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(bytes.len() - cut.index(bytes.len()) / 2);
        let mut decoder = decoder(&table);
        for piece in bytes.chunks(piece) {
            let taken = decoder.feed(piece).and_then(|_| decoder.take(9));
            match taken {
                Ok(None) => {}
                Ok(Some(batch)) => for column in batch.columns() {
                    column.to_data().validate_full().unwrap();
                },
                Err(error) => {
                    prop_assert_eq!(decoder.take(1).unwrap_err(), error);
                    break;
                }
            }
        }
    }

    #[test]
    fn noise_after_a_header_is_no_rows_of_its_own(table in table(), noise in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend(u16::try_from(table.columns.len()).unwrap().to_be_bytes());
        bytes.extend(noise);
        let mut decoder = decoder(&table);
        let _ = decoder.feed(&bytes).and_then(|_| decoder.take(100));
    }
}

/// Rows that cannot be written are left out wherever they are, and all others are there.
#[test]
fn refused_rows_are_left_out_of_any_block() {
    let ids: Vec<i64> = (0..3_000).map(|id| if id % 1_000 == 700 { i64::MAX } else { id }).collect();
    let names: Vec<Option<String>> = (0..3_000)
        .map(|id| (id % 3 > 0).then(|| format!("{id}{}", if id == 1_234 { "\0" } else { "" })))
        .collect();
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(ids)) as ArrayRef),
        ("name", Arc::new(StringArray::from(names)) as ArrayRef),
    ])
    .unwrap();
    let encoder = Encoder::new(&[("id", "int4"), ("name", "text")], false).unwrap();
    let mut stream = encoder.begin(batch.clone()).unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = Some(stream.piece(5_000).unwrap()).filter(|piece| !piece.is_empty()) {
        bytes.extend(piece);
    }
    let refused: Vec<usize> = stream.rejected().iter().map(|rejected| rejected.row).collect();
    assert_eq!(refused, [700, 1_234, 1_700, 2_700]);
    let mut decoder = Decoder::new(&[
        ("id", "int4", r#"{"name":"int64"}"#, false),
        ("name", "text", r#"{"name":"text"}"#, true),
    ])
    .unwrap();
    decoder.feed(&bytes).unwrap();
    let found = decoder.take(usize::MAX).unwrap().unwrap();
    assert_eq!(found.num_rows(), batch.num_rows() - refused.len());
    let mut begin = 0;
    for end in refused.iter().copied().chain([batch.num_rows()]) {
        let left_out = begin - refused.iter().filter(|row| **row < begin).count();
        for (there, here) in found.columns().iter().zip(batch.columns()) {
            assert_eq!(&there.slice(left_out, end - begin), &here.slice(begin, end - begin));
        }
        begin = end + 1;
    }
}
