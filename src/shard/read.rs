//! Reads all shares of a division in the order of the inputs.

use std::fmt::Debug;
use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::error::Result;
use crate::shard::Found;
use crate::shard::Head;
use crate::shard::Kind;
use crate::shard::Shard;
use crate::shard::each_line;
use crate::shard::find::unreadable;
use crate::shard::writer::At;

/// What was found in shares.
#[derive(Debug, Clone, PartialEq)]
pub struct Read<A> {
    /// What was asked for.
    pub asked: A,
    /// Records of all inputs.
    pub records: u64,
    /// Lines that were read, heads left out.
    pub lines: usize,
}

/// Reads the lines of shares, those of lower records first; `each` sees every line but the heads, without its end, and says
/// what is wrong with it.
///
/// # Errors
/// *input* when shares are not of the same inputs and options, when a record has a line twice, when a line is none, and
/// when nothing can be read.
pub fn read<A>(
    kind: Kind,
    found: &Found,
    each: &mut dyn FnMut(&[u8]) -> Result<(), String>,
) -> Result<Read<A>>
where
    A: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let mut first: Option<(Head<A>, PathBuf)> = None;
    let (mut last, mut lines) = (0, 0);
    for path in &found.files {
        let mut problem = None;
        let mut head = None;
        each_line(path, &mut |line| {
            if problem.is_some() {
                return;
            }
            if line.number == 1 {
                match serde_json::from_slice::<Head<A>>(line.bytes) {
                    Ok(read) => head = Some(read),
                    Err(err) => problem = Some((1, format!("no head of a share: {err}"))),
                }
                return;
            }
            lines += 1;
            let done = match serde_json::from_slice::<At>(line.bytes) {
                Err(err) => Err(format!("no line of a share: {err}")),
                Ok(at) if at.nth <= last => Err(format!("record {} is there twice", at.nth)),
                Ok(at) => {
                    last = at.nth;
                    each(line.bytes)
                }
            };
            problem = done.err().map(|why| (line.number, why));
        })
        .map_err(|err| unreadable(path, err))?;
        if let Some((number, why)) = problem {
            let what = format!("{}:{number}: {why}", path.display());
            return Err(Error::input(what));
        }
        let Some(head) = head else {
            let what = format!("{} has no head", path.display());
            return Err(Error::input(what));
        };
        check(kind, &head, path, first.as_ref())?;
        first.get_or_insert_with(|| (head, path.clone()));
    }
    let Some((head, _)) = first else {
        return Err(Error::input("none of the shares is complete"));
    };
    Ok(Read {
        asked: head.asked,
        records: head.records,
        lines,
    })
}

fn check<A: PartialEq>(
    kind: Kind,
    head: &Head<A>,
    path: &Path,
    first: Option<&(Head<A>, PathBuf)>,
) -> Result<()> {
    let own = Shard {
        nth: head.nth,
        of: head.of,
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let named = Shard::of_file_name(kind, &name).map(|(shard, _)| shard);
    if head.v != Head::<A>::VERSION || named != Some(own) {
        let what = format!(
            "{} says that it is share {} of {}, version {}",
            path.display(),
            head.nth,
            head.of,
            head.v
        );
        return Err(Error::input(what));
    }
    if let Some((first, other)) = first
        && let Some(why) = head.differs(first)
    {
        let what = format!("{} is {why} than {}", path.display(), other.display());
        return Err(Error::input(what));
    }
    Ok(())
}
