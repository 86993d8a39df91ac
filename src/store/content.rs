//! What records are known by, the hash of their bytes, and what judges noted of them: out of the index where it is known
//! there, so that a record is not read for it.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::PoisonError;

use crate::model::ContentHash;
use crate::model::Fault;
use crate::model::RecordIx;
use crate::model::Trajectory;
use crate::read;
use crate::read::Decoded;
use crate::read::RawRecord;
use crate::read::Survey;
use crate::store::Store;
use crate::store::index::Slot;
use crate::store::index::Source;
use crate::store::lock;
use crate::store::own_bytes;

/// What may be noted of a record that the store knows nothing of: in the form of whoever notes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Note {
    /// What the published rules say.
    Published,
    /// What the strict rules say.
    Strict,
    /// The flags of all kinds.
    Flags,
}

/// A record as far as filters need it.
#[derive(Debug, Clone)]
pub struct Head {
    hash: OnceLock<ContentHash>,
    /// What [`Store::load_bytes`] gives, where it was read and not needed for the trajectory; else the hash is known.
    bytes: Option<Vec<u8>>,
    /// What was found in the bytes, where they were not read whole.
    survey: Option<Survey>,
    /// Where the hash is kept once it is made.
    place: Option<(Arc<Source>, Slot)>,
    /// The trajectory with what side files say; its steps, children, totals and notes may be those of a
    /// part of it.
    pub trajectory: Arc<Trajectory>,
    /// Whether the trajectory is whole; else [`Store::load`] has the rest.
    pub is_whole: bool,
}

impl Head {
    /// The head of a record of which everything is known.
    pub fn whole(hash: ContentHash, trajectory: Arc<Trajectory>) -> Self {
        Self {
            hash: OnceLock::from(hash),
            bytes: None,
            survey: None,
            place: None,
            trajectory,
            is_whole: true,
        }
    }

    /// The record's content: [`Store::content_hash`]. Made when it is asked for.
    pub fn hash(&self) -> ContentHash {
        *self.hash.get_or_init(|| {
            let hash = ContentHash::of(self.bytes.as_deref().unwrap_or_default());
            if let Some((source, slot)) = &self.place {
                source.keep_content(slot, hash);
            }
            hash
        })
    }

    /// The record's bytes, where they were read and are still here, and what a first look found in them.
    pub fn into_read(self) -> (Option<Vec<u8>>, Option<Survey>) {
        (self.bytes, self.survey)
    }
}

/// The content of a record that was read, kept for its place.
fn hash_of(raw: &RawRecord, (source, slot): (&Source, &Slot)) -> ContentHash {
    let parts = raw.own_parts().map(|part| part.bytes.as_slice());
    let hash = ContentHash::of_parts(parts);
    source.keep_content(slot, hash);
    hash
}

impl Store {
    /// The record's content: the hash of [`Store::load_bytes`], by which decisions and judgements know it. What the index
    /// knows is not read; what it does not is kept in it.
    ///
    /// # Errors
    /// As [`Store::load_raw`].
    pub fn content_hash(&self, ix: RecordIx) -> Result<ContentHash, Fault> {
        Ok(self.content(ix)?.0)
    }

    /// [`Store::content_hash`] where nothing has to be read for it.
    pub fn known_content(&self, ix: RecordIx) -> Option<ContentHash> {
        let (slot, source) = self.find_sound(ix).ok()?;
        source.known_content(&slot)
    }

    /// [`Store::content_hash`], and [`Store::load_bytes`] where they had to be read for it.
    ///
    /// # Errors
    /// As [`Store::load_raw`].
    pub fn content(&self, ix: RecordIx) -> Result<(ContentHash, Option<Vec<u8>>), Fault> {
        let (slot, source) = self.find_sound(ix)?;
        if let Some(known) = source.known_content(&slot) {
            return Ok((known, None));
        }
        let raw = source.load_raw(&slot)?;
        let hash = hash_of(&raw, (&source, &slot));
        Ok((hash, Some(own_bytes(raw))))
    }

    /// Reads what filters need of a record: task, final patch, answer, outcome. The cache is asked but not filled.
    ///
    /// # Errors
    /// The fault of a record that cannot be read or parsed.
    pub fn load_head(&self, ix: RecordIx) -> Result<Head, Fault> {
        let (slot, source) = self.find_sound(ix)?;
        let known = source.known_content(&slot);
        let cached = lock(&self.cache).get(ix.0);
        if let (Some(hash), Some(trajectory)) = (known, &cached) {
            return Ok(Head::whole(hash, Arc::clone(trajectory)));
        }
        let raw = source.load_raw(&slot)?;
        let hash = known.map_or_else(OnceLock::new, OnceLock::from);
        if let Some(trajectory) = cached {
            return Ok(Head {
                hash,
                bytes: Some(own_bytes(raw)),
                survey: None,
                place: Some((source, slot)),
                trajectory,
                is_whole: true,
            });
        }
        let Some((mut head, survey)) = read::parse_head(&raw) else {
            let hash = known.unwrap_or_else(|| hash_of(&raw, (&source, &slot)));
            return Ok(Head::whole(hash, Arc::new(self.parse_raw(ix, raw)?)));
        };
        self.join_sides(ix, &mut head);
        Ok(Head {
            hash,
            bytes: Some(own_bytes(raw)),
            survey: Some(survey),
            place: Some((source, slot)),
            trajectory: Arc::new(head),
            is_whole: false,
        })
    }

    /// [`Store::load`] with the record's content; what has to be read for both is read once.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub fn load_whole(&self, ix: RecordIx) -> Result<Head, Fault> {
        let mut hash = None;
        let trajectory = self.load_by(ix, |ix| {
            let (slot, source) = self.find_sound(ix)?;
            let raw = source.load_raw(&slot)?;
            let known = source.known_content(&slot);
            hash = Some(known.unwrap_or_else(|| hash_of(&raw, (&source, &slot))));
            self.parse_raw(ix, raw)
        })?;
        let hash = match hash {
            Some(hash) => hash,
            None => self.content_hash(ix)?,
        };
        Ok(Head::whole(hash, trajectory))
    }

    /// What was noted of a record, while nothing but the record decides it; `None` where side files may have a say, too.
    pub fn note(&self, ix: RecordIx, note: Note) -> Option<Vec<u8>> {
        let (slot, source) = self.find_sound(ix).ok()?;
        let sheet = source.sheet_of_contents()?;
        let found = sheet.note(&slot, note)?;
        self.is_alone(ix).then_some(found)
    }

    /// Notes something of a record for the next time; nothing where side files have a say, too.
    pub fn keep_note(&self, ix: RecordIx, note: Note, bytes: &[u8]) {
        if let Ok((slot, source)) = self.find_sound(ix)
            && let Some(sheet) = source.sheet_of_contents()
            && self.is_alone(ix)
        {
            sheet.put_note(&slot, note, bytes);
        }
    }

    /// Parses the record's JSON and tells its family; `bytes` are [`Store::load_bytes`], where they were read. The cache is
    /// neither asked nor filled.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub fn tell(&self, ix: RecordIx, bytes: Option<Vec<u8>>) -> Result<Decoded, Fault> {
        let (slot, source) = self.find_sound(ix)?;
        read::tell(source.raw_of(&slot, bytes)?)
    }

    /// The conversation of a record whose family is told, with what side files say: [`Decoded::conversation`].
    ///
    /// # Errors
    /// As [`Store::load`].
    pub fn conversation(&self, ix: RecordIx, told: Decoded) -> Result<Trajectory, Fault> {
        let mut trajectory = told.conversation()?;
        self.join_sides(ix, &mut trajectory);
        Ok(trajectory)
    }

    /// Whether no side file can say anything of a record.
    pub fn is_alone(&self, ix: RecordIx) -> bool {
        self.given.is_empty()
            && self
                .met
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .is_empty()
            && self.beside(ix).iter().all(|nearby| nearby.data.is_empty())
    }
}
