//! Rows of JSON as columns of Parquet, by a schema: texts, numbers, truths, lists and structures of them.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::BooleanArray;
use arrow_array::Float64Array;
use arrow_array::Int64Array;
use arrow_array::ListArray;
use arrow_array::RecordBatch;
use arrow_array::StringArray;
use arrow_array::StructArray;
use arrow_buffer::NullBuffer;
use arrow_buffer::OffsetBuffer;
use arrow_schema::ArrowError;
use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::basic::ZstdLevel;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::model::Value;

/// A column of texts.
pub fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

/// A column of lists.
pub fn list(name: &str, item: DataType) -> Field {
    let item = Field::new("element", item, true);
    Field::new(name, DataType::List(Arc::new(item)), true)
}

/// The rows as columns. What is missing or of another type is null.
///
/// # Errors
/// When the columns do not fit together or outgrow what one batch can hold.
pub fn batch(schema: &Arc<Schema>, rows: &[Value]) -> Result<RecordBatch, ArrowError> {
    let cells: Vec<Option<&Value>> = rows.iter().map(Some).collect();
    let columns: Result<Vec<ArrayRef>, ArrowError> = schema
        .fields()
        .iter()
        .map(|field| column(field, &member(&cells, field.name())))
        .collect();
    RecordBatch::try_new(Arc::clone(schema), columns?)
}

fn member<'a>(cells: &[Option<&'a Value>], name: &str) -> Vec<Option<&'a Value>> {
    cells
        .iter()
        .map(|cell| cell.and_then(|cell| cell.get(name)))
        .collect()
}

fn column(field: &Field, cells: &[Option<&Value>]) -> Result<ArrayRef, ArrowError> {
    let cells_of = cells.iter();
    Ok(match field.data_type() {
        DataType::Utf8 => {
            let texts = cells_of.map(|cell| cell.and_then(Value::as_str));
            Arc::new(texts.collect::<StringArray>())
        }
        DataType::Int64 => {
            let numbers = cells_of.map(|cell| cell.and_then(Value::as_i64));
            Arc::new(numbers.collect::<Int64Array>())
        }
        DataType::Float64 => {
            let numbers = cells_of.map(|cell| cell.and_then(Value::as_f64));
            Arc::new(numbers.collect::<Float64Array>())
        }
        DataType::Boolean => {
            let truths = cells_of.map(|cell| cell.and_then(Value::as_bool));
            Arc::new(truths.collect::<BooleanArray>())
        }
        DataType::List(item) => {
            let lists: Vec<Option<&Vec<Value>>> = cells_of
                .map(|cell| cell.and_then(Value::as_array))
                .collect();
            let lengths = lists.iter().map(|list| list.map_or(0, Vec::len));
            let offsets = OffsetBuffer::from_lengths(lengths);
            let items: Vec<Option<&Value>> = lists
                .iter()
                .flatten()
                .flat_map(|list| list.iter().map(Some))
                .collect();
            let nulls = lists.iter().map(Option::is_some).collect::<NullBuffer>();
            let values = column(item, &items)?;
            Arc::new(ListArray::try_new(
                Arc::clone(item),
                offsets,
                values,
                Some(nulls),
            )?)
        }
        DataType::Struct(fields) => {
            let columns: Result<Vec<ArrayRef>, ArrowError> = fields
                .iter()
                .map(|field| column(field, &member(cells, field.name())))
                .collect();
            let nulls = cells_of.map(|cell| cell.is_some_and(Value::is_object));
            let nulls = nulls.collect::<NullBuffer>();
            Arc::new(StructArray::try_new(fields.clone(), columns?, Some(nulls))?)
        }
        other => {
            return Err(ArrowError::NotYetImplemented(format!("columns of {other}")));
        }
    })
}

/// Begins a table of these columns. The same rows give the same bytes.
///
/// # Errors
/// When the columns cannot be written as Parquet.
pub fn table_writer(file: File, schema: &Arc<Schema>) -> Result<ArrowWriter<File>, ParquetError> {
    let level = ZstdLevel::default();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_created_by(format!("hgview {}", env!("CARGO_PKG_VERSION")))
        .build();
    ArrowWriter::try_new(file, Arc::clone(schema), Some(properties))
}

/// The columns that hold all rows, in the order in which their names are met.
///
/// # Errors
/// In words, when a column would hold values of several types.
pub fn schema_of<'a>(rows: impl Iterator<Item = &'a Value>) -> Result<Schema, String> {
    let mut shape = Shape::default();
    for row in rows {
        shape.add(row, 0)?;
    }
    let Shape::Struct(members) = shape else {
        return Ok(Schema::empty());
    };
    Ok(Schema::new(members.fields()))
}

/// Rows are not nested deeper.
const MOST_DEPTH: usize = 16;

/// What a column holds.
#[derive(Debug, Default)]
enum Shape {
    /// Nothing but nulls so far.
    #[default]
    Empty,
    Plain(DataType),
    List(Box<Self>),
    Struct(Members),
}

#[derive(Debug, Default)]
struct Members {
    order: Vec<(String, Shape)>,
    places: HashMap<String, usize>,
}

impl Members {
    fn of(&mut self, name: &str) -> Option<&mut Shape> {
        if let Some(place) = self.places.get(name) {
            return self.order.get_mut(*place).map(|(_, shape)| shape);
        }
        self.places.insert(name.to_owned(), self.order.len());
        self.order.push((name.to_owned(), Shape::Empty));
        self.order.last_mut().map(|(_, shape)| shape)
    }

    fn fields(self) -> Vec<Field> {
        let fields = self.order.into_iter();
        let fields = fields.map(|(name, shape)| Field::new(name, shape.data_type(), true));
        fields.collect()
    }
}

impl Shape {
    fn add(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > MOST_DEPTH {
            return Err("it is nested too deeply".to_owned());
        }
        let plain = match value {
            Value::Null => return Ok(()),
            Value::Bool(_) => DataType::Boolean,
            Value::Number(number) if number.is_i64() => DataType::Int64,
            Value::Number(_) => DataType::Float64,
            Value::String(_) => DataType::Utf8,
            Value::Array(items) => {
                if matches!(self, Self::Empty) {
                    *self = Self::List(Box::default());
                }
                let Self::List(item) = self else {
                    return Err("it holds lists and other values".to_owned());
                };
                return items.iter().try_for_each(|one| item.add(one, depth + 1));
            }
            Value::Object(map) => {
                if matches!(self, Self::Empty) {
                    *self = Self::Struct(Members::default());
                }
                let Self::Struct(members) = self else {
                    return Err("it holds objects and other values".to_owned());
                };
                for (name, value) in map {
                    if let Some(shape) = members.of(name) {
                        let wrong = |why| format!("column {name}: {why}");
                        shape.add(value, depth + 1).map_err(wrong)?;
                    }
                }
                return Ok(());
            }
        };
        match self {
            Self::Empty => *self = Self::Plain(plain),
            Self::Plain(known) if *known == plain => {}
            Self::Plain(known @ (DataType::Int64 | DataType::Float64))
                if matches!(plain, DataType::Int64 | DataType::Float64) =>
            {
                *known = DataType::Float64;
            }
            _ => return Err("it holds values of several types".to_owned()),
        }
        Ok(())
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Empty => DataType::Utf8,
            Self::Plain(plain) => plain,
            Self::List(item) => {
                DataType::List(Arc::new(Field::new("element", item.data_type(), true)))
            }
            // Parquet has no structures without members
            Self::Struct(members) if members.order.is_empty() => DataType::Utf8,
            Self::Struct(members) => DataType::Struct(members.fields().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_told_by_the_rows() {
        let rows = [
            json!({"a": 1, "b": [{"x": "1"}], "c": null}),
            json!({"a": 1.5, "d": {"e": true}, "b": [{"x": null, "y": 2}]}),
        ];
        let schema = Arc::new(schema_of(rows.iter()).unwrap());
        let shown: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| format!("{} {}", field.name(), field.data_type()))
            .collect();
        assert_eq!(shown.len(), 4, "{shown:?}");
        assert_eq!(
            (shown[0].as_str(), shown[2].as_str()),
            ("a Float64", "c Utf8")
        );
        assert!(shown[1].starts_with("b List(") && shown[3].starts_with("d Struct("));
        assert_eq!(batch(&schema, &rows).unwrap().num_rows(), 2);
    }

    #[test]
    fn mixed_columns_are_told() {
        for rows in [
            [json!({"a": 1}), json!({"a": "1"})],
            [json!({"a": [1]}), json!({"a": 1})],
            [json!({"a": {}}), json!({"a": []})],
            [json!({"a": [1, "x"]}), json!({})],
        ] {
            let why = schema_of(rows.iter()).unwrap_err();
            assert!(why.contains("column a"), "{why}");
        }
    }
}
