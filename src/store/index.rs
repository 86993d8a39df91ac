//! What the store remembers of every record: its place, and per source what its records share.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::model;
use crate::model::ContentHash;
use crate::model::Fault;
use crate::model::Format;
use crate::model::Span;
use crate::read::Layout;
use crate::read::PartRole;
use crate::read::RawPart;
use crate::read::RawRecord;
use crate::read::Shape;
use crate::read::json;
use crate::store::bytes::Bytes;
use crate::store::bytes::Stamp;
use crate::store::bytes::read_at;
use crate::store::sidecar::Sheet;
use crate::store::slots::Slots;
use crate::store::zipped::Zipped;

/// A record's place. Sources hold fewer than 2³² rows: the index would not fit the memory before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// Place of the source in [`Index::sources`].
    pub(super) source: u32,
    /// The record's place in its source.
    pub(super) row: u32,
    /// Its first byte in the decompressed source; 0 for table rows and members.
    pub(super) start: u64,
    /// Its length in bytes; 0 where that is not known before it is read.
    pub(super) len: u64,
}

impl Slot {
    /// Its bytes.
    pub(super) fn span(&self) -> Span {
        Span::new(self.start, self.start + self.len)
    }
}

/// A file of a folder that is no trajectory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// Why it is not in the list.
    pub why: String,
}

/// How a file that is not read through a [`Stamp`] looked: length and time of its last change. `None` when gone.
pub(super) type Look = Option<(u64, SystemTime)>;

/// Looks at a file without opening it.
pub(super) fn look_at(path: &Path) -> Look {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.len(), meta.modified().ok()?))
}

/// All that a scan finds.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) slots: Slots,
    pub(super) sources: Vec<Arc<Source>>,
    /// Faults that the scan itself found; most records have none.
    pub(super) faults: HashMap<usize, Fault>,
    pub(super) skipped: Vec<Skipped>,
    /// How skipped files looked that may become records when they change.
    pub(super) skipped_looks: HashMap<PathBuf, Look>,
}

impl Index {
    /// How many records each source has.
    pub(super) fn records_of_sources(&self) -> Vec<usize> {
        let mut counts = vec![0; self.sources.len()];
        for slot in self.slots.iter() {
            let place = usize::try_from(slot.source).ok();
            if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
                *count += 1;
            }
        }
        counts
    }
}

/// A file that is a part of records besides the bytes of their source.
#[derive(Debug, Clone)]
pub(super) struct PartSpec {
    /// File name without folders.
    pub(super) name: String,
    pub(super) role: PartRole,
    pub(super) place: PartPlace,
}

/// Where a part lies.
#[derive(Debug, Clone)]
pub(super) enum PartPlace {
    /// A file of its own.
    File(PathBuf),
    /// A member of a tar file.
    Stretch(Arc<File>, Span),
    /// A member of a zip file.
    Member(Arc<Zipped>, usize),
}

impl PartSpec {
    /// A part that is a file.
    pub(super) fn file(path: &Path, role: PartRole) -> Self {
        Self {
            name: file_name(path),
            role,
            place: PartPlace::File(path.to_path_buf()),
        }
    }

    /// Its value, for telling the family; `None` when it is gone or no JSON.
    pub(super) fn value(&self) -> Option<model::Value> {
        json::parse_lenient(&self.read().ok()?, 0, &mut Vec::new()).ok()
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        match &self.place {
            PartPlace::File(path) => std::fs::read(path),
            PartPlace::Stretch(file, span) => read_at(file, *span),
            PartPlace::Member(zip, index) => zip
                .read(*index)
                .map_err(|fault| std::io::Error::other(fault.why)),
        }
    }
}

/// The name of a path without its folders.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// What stands around the records of a source.
#[derive(Debug)]
pub(super) enum Header {
    /// Nothing.
    None,
    /// The object without the elements of its `samples`: the source of `len` bytes without the stretch `inner`.
    Around {
        /// The elements.
        inner: Span,
        /// Where the object ends. A stamp says it too late: the first row is asked for before there is one.
        len: u64,
    },
    /// A member of the zip file.
    Member(usize),
}

/// A file, member or folder, and what its records share.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: Arc<Path>,
    pub(super) member: Option<Arc<str>>,
    pub(super) format: Option<Format>,
    pub(super) layout: Layout,
    pub(super) shape: Shape,
    pub(super) bytes: Bytes,
    /// Event files, and files about the record or its children. Only sources of one record have any.
    pub(super) parts: Vec<PartSpec>,
    /// How those of them looked that may change.
    pub(super) part_looks: Vec<Look>,
    /// The packed file, archive or table at `path`, whose bytes are not read from there again.
    pub(super) packed: Option<Arc<Stamp>>,
    /// Keys of keyed records, or member names, by row; empty for others.
    pub(super) names: Vec<Arc<str>>,
    pub(super) header: Header,
    /// Named by the user, rather than found in a folder.
    pub(super) is_explicit: bool,
    /// A whole file that could not be read: a refresh tries again.
    pub(super) is_retried: bool,
    pub(super) header_bytes: OnceLock<Vec<u8>>,
    /// The rows of the list that are kept for the next time.
    pub(super) sheet: Option<Arc<Sheet>>,
}

impl Source {
    /// A source of which only the place and the bytes are known.
    pub(super) fn new(path: Arc<Path>, member: Option<Arc<str>>, bytes: Bytes) -> Self {
        Self {
            path,
            member,
            format: None,
            layout: Layout::Whole,
            shape: Shape::Object,
            bytes,
            parts: Vec::new(),
            part_looks: Vec::new(),
            packed: None,
            names: Vec::new(),
            header: Header::None,
            is_explicit: false,
            is_retried: false,
            header_bytes: OnceLock::new(),
            sheet: None,
        }
    }

    /// The unpacked copy in which the records of a packed file lie.
    pub(super) fn unpacked(&self) -> Option<&File> {
        match &self.bytes {
            Bytes::Stretch { file, base: 0 } if self.member.is_none() && self.packed.is_some() => {
                Some(file)
            }
            _ => None,
        }
    }

    /// Looks at the parts that may change: those of agents, those about the record, and the last event.
    pub(super) fn look_at_parts(&self) -> Vec<Look> {
        let is_event = |part: &&PartSpec| part.role == PartRole::Event;
        let last = self.parts.iter().rfind(is_event);
        let others = self.parts.iter().filter(|part| !is_event(part));
        others
            .chain(last)
            .filter_map(|part| match &part.place {
                PartPlace::File(path) => Some(look_at(path)),
                PartPlace::Stretch(..) | PartPlace::Member(..) => None,
            })
            .collect()
    }

    /// Whether its bytes lie in a file as they are.
    pub(super) fn is_file(&self) -> bool {
        matches!(self.bytes, Bytes::File { .. })
    }

    /// The sheet of a source whose records are nothing but their bytes in it.
    pub(super) fn sheet_of_contents(&self) -> Option<&Sheet> {
        self.sheet.as_deref().filter(|_| self.parts.is_empty())
    }

    /// The content of a record as an earlier run, or this one, has hashed it.
    pub(super) fn known_content(&self, slot: &Slot) -> Option<ContentHash> {
        self.sheet_of_contents()?.content(slot)
    }

    /// Keeps the content of a record.
    pub(super) fn keep_content(&self, slot: &Slot, hash: ContentHash) {
        if let Some(sheet) = self.sheet_of_contents() {
            sheet.put_content(slot, hash);
        }
    }

    /// The member in which the record of `row` lies.
    pub(super) fn member_of(&self, row: u32) -> Option<Arc<str>> {
        if let Bytes::Members { .. } = self.bytes {
            return self.name_of(row);
        }
        self.member.clone()
    }

    /// The key or member name of the record of `row`.
    pub(super) fn name_of(&self, row: u32) -> Option<Arc<str>> {
        self.names.get(usize::try_from(row).ok()?).cloned()
    }

    /// The record's place as the model states it.
    pub(super) fn model_source(&self, slot: &Slot) -> model::Source {
        let has_span = !matches!(
            self.bytes,
            Bytes::Table(_) | Bytes::Nothing | Bytes::Member { .. } | Bytes::Members { .. }
        );
        model::Source {
            path: self.path.to_path_buf(),
            member: self.member_of(slot.row).map(|name| name.to_string()),
            row: usize::try_from(slot.row).unwrap_or(usize::MAX),
            byte_range: has_span.then(|| slot.span()),
            format: self.format,
            variant: None,
        }
    }

    /// Reads all parts of a record.
    ///
    /// # Errors
    /// The fault when its own bytes cannot be read. Files about it that are gone are left out.
    pub(super) fn load_raw(&self, slot: &Slot) -> Result<RawRecord, Fault> {
        self.raw_of(slot, None)
    }

    /// [`Source::load_raw`]; `known` are its own bytes, where they were read.
    pub(super) fn raw_of(&self, slot: &Slot, known: Option<Vec<u8>>) -> Result<RawRecord, Fault> {
        let mut source = self.model_source(slot);
        let mut parts = Vec::new();
        if !matches!(self.bytes, Bytes::Nothing) {
            let row = usize::try_from(slot.row).unwrap_or(usize::MAX);
            let bytes = match known.filter(|_| self.parts.is_empty()) {
                Some(bytes) => bytes,
                None => self.bytes.read(slot.span(), row)?,
            };
            if source.byte_range.is_none() {
                source.byte_range = Some(Span::new(0, bytes.len() as u64));
            }
            parts.push(RawPart {
                name: self.main_name(slot),
                role: PartRole::Main,
                start: slot.start,
                bytes,
            });
        }
        if let Some(header) = self.header()? {
            parts.push(RawPart {
                name: String::new(),
                role: PartRole::Header,
                start: 0,
                bytes: header,
            });
        }
        let mut unread = None;
        for spec in &self.parts {
            match spec.read() {
                Ok(bytes) => parts.push(RawPart {
                    name: spec.name.clone(),
                    role: spec.role,
                    start: 0,
                    bytes,
                }),
                Err(err) => unread = Some(format!("{} cannot be read: {err}", spec.name)),
            }
        }
        let has_own = parts
            .iter()
            .any(|part| matches!(part.role, PartRole::Main | PartRole::Event));
        if !has_own {
            let why = unread.unwrap_or_else(|| "the folder has no event files".to_owned());
            return Err(Fault::new(why));
        }
        if let (Bytes::Nothing, Some(first)) = (&self.bytes, parts.first()) {
            source.byte_range = Some(Span::new(0, first.bytes.len() as u64));
        }
        Ok(RawRecord {
            source,
            layout: self.layout,
            shape: self.shape,
            parts,
        })
    }

    fn main_name(&self, slot: &Slot) -> String {
        match self.layout {
            Layout::Rows => String::new(),
            Layout::Keyed => self
                .name_of(slot.row)
                .map(|name| name.to_string())
                .unwrap_or_default(),
            Layout::Session | Layout::Whole | Layout::Samples => {
                let member = self.member_of(slot.row);
                member.map_or_else(
                    || file_name(&self.path),
                    |name| file_name(Path::new(name.as_ref())),
                )
            }
        }
    }

    fn header(&self) -> Result<Option<Vec<u8>>, Fault> {
        if matches!(self.header, Header::None) {
            return Ok(None);
        }
        if let Some(bytes) = self.header_bytes.get() {
            return Ok(Some(bytes.clone()));
        }
        let bytes = match (&self.header, &self.bytes) {
            (Header::Member(index), Bytes::Members { zip, .. }) => zip.read(*index)?,
            (Header::Around { inner, len }, bytes) => {
                let mut around = bytes.read(Span::new(0, inner.start), 0)?;
                around.extend(bytes.read(Span::new(inner.end, *len), 0)?);
                around
            }
            _ => return Ok(None),
        };
        Ok(Some(self.header_bytes.get_or_init(|| bytes).clone()))
    }
}
