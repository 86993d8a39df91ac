//! Writes a share in the order of the inputs.

use std::fmt::Debug;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::error::Result;
use crate::shard::Kind;
use crate::shard::Part;
use crate::shard::Shard;
use crate::shard::part::unwritable;

/// The first line of a share: what was asked of which inputs. Shares that differ in it, but for their numbers, do not
/// belong together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Head<A> {
    /// The version of these files.
    pub v: u64,
    /// What the share is of: `verify`, `stats`.
    pub share: String,
    /// Which share, from 0.
    pub nth: u64,
    /// Of how many.
    pub of: u64,
    /// Records of all inputs.
    pub records: u64,
    /// Bytes of all records, unpacked, as far as they are known.
    pub bytes: u64,
    /// What was asked for.
    pub asked: A,
}

impl<A> Head<A> {
    /// The version that is written, and the only one that is understood.
    pub const VERSION: u64 = 1;

    /// The head of a share of so many records and bytes.
    pub fn new(kind: Kind, shard: Shard, (records, bytes): (u64, u64), asked: A) -> Self {
        Self {
            v: Self::VERSION,
            share: kind.stem.to_owned(),
            nth: shard.nth,
            of: shard.of,
            records,
            bytes,
            asked,
        }
    }
}

impl<A: PartialEq> Head<A> {
    /// Why this is not of the same division as another; `None` where it is.
    pub(super) fn differs(&self, other: &Self) -> Option<&'static str> {
        if self.v != other.v || self.share != other.share || self.of != other.of {
            Some("of another kind")
        } else if (self.records, self.bytes) != (other.records, other.bytes) {
            Some("of other inputs")
        } else if self.asked != other.asked {
            Some("made with other options")
        } else {
            None
        }
    }
}

/// The place of a line's record among all inputs.
#[derive(Deserialize)]
pub(super) struct At {
    /// From 1.
    pub(super) nth: u64,
}

/// Writes a share: its head, then lines in ascending order of `nth`, a number that each has.
#[derive(Debug)]
pub struct Writer {
    part: Part,
    /// The last record that has its line.
    last: u64,
    buffer: Vec<u8>,
}

impl Writer {
    /// Begins a share, or goes on with it behind its complete lines.
    ///
    /// # Errors
    /// *input* when the folder cannot be written, or its share was made with other options or of other inputs.
    pub fn open<A>(folder: &Path, kind: Kind, head: &Head<A>) -> Result<Self>
    where
        A: Serialize + DeserializeOwned + PartialEq + Debug,
    {
        let shard = Shard {
            nth: head.nth,
            of: head.of,
        };
        let mut last = 0;
        let (mut has_head, mut is_over) = (false, false);
        let mut trouble = None;
        let part = Part::open(folder, kind, shard, &mut |line| {
            if line.number == 1 {
                trouble = match serde_json::from_slice::<Head<A>>(line.bytes) {
                    Ok(found) => found.differs(head),
                    Err(_no_head) => Some("of another kind"),
                };
                has_head = true;
                return true;
            }
            if trouble.is_some() {
                // what was made for something else is left as it is
                return true;
            }
            match serde_json::from_slice::<At>(line.bytes) {
                Ok(at) if at.nth > last && !is_over => last = at.nth,
                // from here on it is made again
                _ => is_over = true,
            }
            !is_over
        })?;
        if let Some(trouble) = trouble {
            let what = format!("{} is {trouble}", part.whole().display());
            part.give_back()?;
            return Err(
                Error::input(what).hint("give another folder with --out, or remove its files")
            );
        }
        let mut writer = Self {
            part,
            last,
            buffer: Vec::new(),
        };
        if !has_head {
            let head = serde_json::to_string(head)
                .map_err(|err| Error::internal("no JSON of a share").caused_by(err))?;
            writer.put(&head);
            writer.flush()?;
        }
        Ok(writer)
    }

    /// Whether the record at this place, from 1, has its line.
    pub fn is_done(&self, nth: usize) -> bool {
        nth as u64 <= self.last
    }

    /// Adds a line without its end; it is in the file after [`Writer::flush`].
    pub fn put(&mut self, line: &str) {
        self.buffer.extend_from_slice(line.as_bytes());
        self.buffer.push(b'\n');
    }

    /// Writes what was added.
    ///
    /// # Errors
    /// *input* when the disk does not take it.
    pub fn flush(&mut self) -> Result<()> {
        let file = OpenOptions::new().append(true).open(self.part.path());
        let written = file.and_then(|mut file| file.write_all(&self.buffer));
        self.buffer.clear();
        written.map_err(|err| unwritable(self.part.whole(), err))
    }

    /// Writes what was added; the share has its name then.
    ///
    /// # Errors
    /// *input* when the disk does not take it.
    pub fn complete(mut self) -> Result<PathBuf> {
        self.flush()?;
        self.part.complete()
    }
}
