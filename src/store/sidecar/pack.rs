//! Rows of the list packed in memory: as the sidecar has them, compressed. A tenth of what they take as they are.

use crate::model::Summary;
use crate::store::sidecar::form;
use crate::store::sidecar::form::Reader;

/// Packs rows that are together; whole or not at all.
pub fn pack_rows<'a>(rows: impl IntoIterator<Item = &'a Summary>) -> Option<Box<[u8]>> {
    let mut bytes = Vec::new();
    for row in rows {
        form::put_row(&mut bytes, row);
    }
    // little is won by more than the quickest level
    let mut packed = Vec::new();
    form::put(&mut packed, bytes.len() as u64);
    packed.extend(zstd::bulk::compress(&bytes, 1).ok()?);
    Some(packed.into_boxed_slice())
}

/// The rows that were packed; `None` for what [`pack_rows`] did not make.
pub fn unpack_rows(packed: &[u8]) -> Option<Vec<Summary>> {
    let mut reader = Reader(packed);
    let len = reader.size()?;
    let bytes = zstd::bulk::decompress(reader.0, len).ok()?;
    let mut reader = Reader(&bytes);
    let mut rows = Vec::new();
    while !reader.0.is_empty() {
        rows.push(reader.row()?);
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fault;

    #[test]
    fn rows_come_back_and_take_little() {
        let row = |nth: usize| Summary {
            id: format!("owner__name-{nth}"),
            model: Some("some-model".to_owned()),
            steps: nth,
            fault: nth.is_multiple_of(7).then(|| Fault::new("torn")),
            ..Summary::default()
        };
        let rows: Vec<Summary> = (0..256).map(row).collect();
        let packed = pack_rows(&rows).unwrap();
        assert!(packed.len() < 256 * 24, "{}", packed.len());
        assert_eq!(unpack_rows(&packed), Some(rows));
        assert_eq!(unpack_rows(packed.get(..100).unwrap()), None);
        assert_eq!(unpack_rows(&pack_rows([]).unwrap()), Some(Vec::new()));
    }
}
