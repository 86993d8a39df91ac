//! What is known of files by their content: facts of an index in memory, or those that an earlier run kept as bytes.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;

use crate::python::repo::facts::Facts;
use crate::python::repo::packed::packed;
use crate::python::repo::packed::unpacked;

/// Bytes of a file's hash.
const HASH: usize = 32;
/// Bytes of a length and of a checksum.
const NUMBER: usize = 8;

/// What is known of files, whatever they are called.
#[derive(Debug, Clone, Default)]
pub struct Known {
    facts: HashMap<[u8; HASH], Held>,
    bytes: Arc<[u8]>,
}

#[derive(Debug, Clone)]
enum Held {
    Facts(Arc<Facts>),
    /// Where the packed facts stand among the bytes, behind their checksum.
    Packed(Range<usize>),
}

impl Known {
    pub(super) fn of(facts: impl Iterator<Item = ([u8; HASH], Arc<Facts>)>) -> Self {
        Self {
            facts: facts
                .map(|(hash, facts)| (hash, Held::Facts(facts)))
                .collect(),
            bytes: Arc::default(),
        }
    }

    /// How many files are known.
    pub fn file_count(&self) -> usize {
        self.facts.len()
    }

    /// Everything as bytes for [`Known::read`], in the same build of the program: bytes of another one are not told apart.
    /// The same files give the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut all: Vec<(&[u8; HASH], &Held)> = self.facts.iter().collect();
        all.sort_unstable_by_key(|(hash, _)| **hash);
        let part = |(hash, held): &(&[u8; HASH], &Held)| {
            let sealed = match held {
                Held::Facts(facts) => sealed(&packed(facts)),
                Held::Packed(range) => self.bytes.get(range.clone()).unwrap_or_default().to_vec(),
            };
            [&hash[..], &(sealed.len() as u64).to_le_bytes(), &sealed].concat()
        };
        let parts: Vec<Vec<u8>> = all.par_iter().map(part).collect();
        parts.concat()
    }

    /// What [`Known::to_bytes`] made bytes of. Facts are looked at when they are asked for; of bytes that are torn,
    /// what stands before is known.
    pub fn read(bytes: Vec<u8>) -> Self {
        let mut facts = HashMap::new();
        let mut at = 0;
        while let Some((hash, range)) = part_at(&bytes, at) {
            at = range.end;
            facts.insert(hash, Held::Packed(range));
        }
        Self {
            facts,
            bytes: bytes.into(),
        }
    }

    pub(super) fn get(&self, hash: &[u8; HASH]) -> Option<Arc<Facts>> {
        match self.facts.get(hash)? {
            Held::Facts(facts) => Some(Arc::clone(facts)),
            Held::Packed(range) => {
                let (sum, rest) = self.bytes.get(range.clone())?.split_first_chunk()?;
                (*sum == checksum(rest)).then(|| unpacked(rest).map(Arc::new))?
            }
        }
    }
}

/// The hash at a place among bytes, and where what is known of that file stands.
fn part_at(bytes: &[u8], at: usize) -> Option<([u8; HASH], Range<usize>)> {
    let (hash, rest) = bytes.get(at..)?.split_first_chunk::<HASH>()?;
    let (len, rest) = rest.split_first_chunk::<NUMBER>()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let start = at + HASH + NUMBER;
    (len <= rest.len()).then(|| (*hash, start..start + len))
}

/// Bytes behind their checksum.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    [&checksum(bytes)[..], bytes].concat()
}

/// Tells bytes that are torn or were changed.
fn checksum(bytes: &[u8]) -> [u8; NUMBER] {
    let mut sum = [0; NUMBER];
    let hash = blake3::hash(bytes);
    for (into, from) in sum.iter_mut().zip(hash.as_bytes()) {
        *into = *from;
    }
    sum
}
