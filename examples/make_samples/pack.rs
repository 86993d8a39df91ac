//! Containers: gzip, zstd, zip, tar and Parquet, written so that the same input gives the same bytes.

use std::io::Cursor;
use std::io::Write as _;
use std::sync::Arc;

use parquet::data_type::BoolType;
use parquet::data_type::ByteArray;
use parquet::data_type::ByteArrayType;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::Value;

/// Why a container cannot fail here.
const IN_MEMORY: &str = "writing to memory does not fail";

/// Gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect(IN_MEMORY);
    out.finish().expect(IN_MEMORY)
}

/// Zstandard.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).expect(IN_MEMORY)
}

/// A zip archive; every member compressed by `method`.
pub(crate) fn zip(members: &[(String, Vec<u8>)], method: zip::CompressionMethod) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in members {
        out.start_file(name.as_str(), options).expect(IN_MEMORY);
        out.write_all(bytes).expect(IN_MEMORY);
    }
    out.finish().expect(IN_MEMORY).into_inner()
}

/// A gzipped tar archive without dates and owners.
pub(crate) fn tar_gz(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        out.append_data(&mut header, name, bytes.as_slice())
            .expect(IN_MEMORY);
    }
    gzip(&out.into_inner().expect(IN_MEMORY))
}

/// Rows with `messages` as a nested column: list of role and content.
pub(crate) fn parquet_nested(rows: &[Value]) -> Vec<u8> {
    let schema = "message rows {
        required binary instance_id (UTF8);
        required boolean resolved;
        required binary model (UTF8);
        required binary patch (UTF8);
        optional group messages (LIST) {
            repeated group list {
                optional group element {
                    optional binary content (UTF8);
                    optional binary role (UTF8);
                }
            }
        }
    }";
    let mut content = Column::default();
    let mut role = Column::default();
    for row in rows {
        let messages = row["messages"].as_array().map_or(&[][..], Vec::as_slice);
        for (ix, message) in messages.iter().enumerate() {
            let repetition = i16::from(ix > 0);
            content.push(text(message, "content"), repetition);
            role.push(text(message, "role"), repetition);
        }
    }
    let flat = |key| Column::flat(rows, key);
    write(
        schema,
        &[
            Cells::Text(flat("instance_id")),
            resolved(rows),
            Cells::Text(flat("model")),
            Cells::Text(flat("patch")),
            Cells::Text(content),
            Cells::Text(role),
        ],
    )
}

/// Rows with `messages` as one JSON text.
pub(crate) fn parquet_texts(rows: &[Value]) -> Vec<u8> {
    let schema = "message rows {
        required binary messages (UTF8);
        required binary instance_id (UTF8);
        required boolean resolved;
        required binary model (UTF8);
    }";
    let flat = |key| Cells::Text(Column::flat(rows, key));
    write(
        schema,
        &[
            flat("messages"),
            flat("instance_id"),
            resolved(rows),
            flat("model"),
        ],
    )
}

fn text(row: &Value, key: &str) -> ByteArray {
    row[key].as_str().unwrap_or_default().into()
}

fn resolved(rows: &[Value]) -> Cells {
    Cells::Bool(rows.iter().map(|row| row["resolved"] == true).collect())
}

/// The values of a text column with their levels; without levels where the column is required.
#[derive(Default)]
struct Column {
    values: Vec<ByteArray>,
    repetitions: Vec<i16>,
}

impl Column {
    fn flat(rows: &[Value], key: &str) -> Self {
        Self {
            values: rows.iter().map(|row| text(row, key)).collect(),
            repetitions: Vec::new(),
        }
    }

    fn push(&mut self, value: ByteArray, repetition: i16) {
        self.values.push(value);
        self.repetitions.push(repetition);
    }
}

enum Cells {
    Text(Column),
    Bool(Vec<bool>),
}

/// The deepest definition level of the nested columns: list, element and value are all there.
const DEFINED: i16 = 4;

fn write(schema: &str, columns: &[Cells]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).expect("our schemas parse"));
    let properties = WriterProperties::builder()
        .set_created_by("hgview samples".to_owned())
        .build();
    let mut out = Vec::new();
    let mut file =
        SerializedFileWriter::new(&mut out, schema, Arc::new(properties)).expect(IN_MEMORY);
    let mut group = file.next_row_group().expect(IN_MEMORY);
    for cells in columns {
        let mut column = group
            .next_column()
            .expect(IN_MEMORY)
            .expect("as many cells as columns");
        match cells {
            Cells::Text(cells) => {
                let definitions = vec![DEFINED; cells.repetitions.len()];
                let levels =
                    (!cells.repetitions.is_empty()).then_some((definitions, &cells.repetitions));
                column
                    .typed::<ByteArrayType>()
                    .write_batch(
                        &cells.values,
                        levels.as_ref().map(|(d, _)| d.as_slice()),
                        levels.as_ref().map(|(_, r)| r.as_slice()),
                    )
                    .expect(IN_MEMORY);
            }
            Cells::Bool(values) => {
                column
                    .typed::<BoolType>()
                    .write_batch(values, None, None)
                    .expect(IN_MEMORY);
            }
        }
        column.close().expect(IN_MEMORY);
    }
    group.close().expect(IN_MEMORY);
    file.close().expect(IN_MEMORY);
    out
}
