//! Objects to read, in parts, each part with a marker of its own.

use super::manifest;
use arrow_array::{ArrayRef, Int64Array, LargeBinaryArray, RecordBatch, StringArray};
use futures_util::stream;
use nvisy_dal::{
    Ability, Batch, BatchStream, BoxFuture, Category, Connect, Connector, Context, DataInput, DataKind,
    DataOutput, Inspect, Manifest, Positions, Provider, Result,
};
use std::sync::Arc;

#[derive(Clone)]
pub struct Objects(Arc<Inner>);

struct Inner {
    manifest: Manifest,
    objects: Vec<(String, Vec<u8>)>,
    part: usize,
}

impl Objects {
    /// Objects in the order of their paths, read in parts of so many bytes.
    pub fn new(objects: Vec<(String, Vec<u8>)>, part: usize) -> Self {
        let manifest = manifest("objects", Category::Object, DataKind::Object, &[Ability::Read]);
        Self(Arc::new(Inner { manifest, objects, part }))
    }

    /// Every part there is: its object, and where it begins and ends.
    fn parts(&self) -> Vec<(usize, usize, usize)> {
        let parts = |(index, (_, bytes)): (usize, &(String, Vec<u8>))| {
            let size = bytes.len();
            let starts = if size == 0 { vec![0] } else { (0..size).step_by(self.0.part).collect() };
            starts
                .into_iter()
                .map(move |start| (index, start, (start + self.0.part).min(size)))
                .collect::<Vec<_>>()
        };
        self.0.objects.iter().enumerate().flat_map(parts).collect()
    }

    fn batch(&self, (index, start, end): (usize, usize, usize)) -> Result<Batch> {
        let (path, bytes) = &self.0.objects[index];
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("path", Arc::new(StringArray::from(vec![path.as_str()]))),
            ("data", Arc::new(LargeBinaryArray::from_vec(vec![&bytes[start..end]]))),
            ("size", Arc::new(Int64Array::from(vec![i64::try_from(bytes.len()).unwrap()]))),
            ("offset", Arc::new(Int64Array::from(vec![i64::try_from(start).unwrap()]))),
        ];
        let context = serde_json::json!({
            "kind": "marker", "version": 1, "fingerprint": "0123456789abcdef", "key": path, "etag": null, "offset": end
        });
        let context: Context = serde_json::from_value(context).unwrap();
        Batch::new(
            DataKind::Object,
            RecordBatch::try_from_iter(columns).unwrap(),
            Positions::Each(vec![context]),
        )
    }
}

impl Connector for Objects {
    fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    fn connect(&self, _: Connect) -> BoxFuture<'_, Result<Box<dyn Provider>>> {
        Box::pin(async { Ok(Box::new(self.clone()) as Box<dyn Provider>) })
    }
}

impl Provider for Objects {
    fn disconnect(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn input(&self) -> Option<&dyn DataInput> {
        Some(self)
    }

    fn output(&self) -> Option<&dyn DataOutput> {
        None
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        None
    }
}

impl DataInput for Objects {
    fn read(&self, after: Option<Context>) -> BatchStream {
        let past = |(index, _, end): &(usize, usize, usize)| match &after {
            Some(Context::Marker(marker)) => {
                let (key, offset) = (marker.key.as_str(), marker.offset.unwrap_or(0));
                (self.0.objects[*index].0.as_str(), *end as u64) > (key, offset)
            }
            _ => true,
        };
        let rest: Vec<_> = self.parts().into_iter().filter(past).collect();
        let source = self.clone();
        Box::pin(stream::iter(rest.into_iter().map(move |part| source.batch(part))))
    }
}
