//! The body of an answer, in whichever of the two forms it comes.

use crate::endpoint::Completion;
use crate::endpoint::Prices;
use crate::endpoint::fault::Fault;
use crate::endpoint::fault::shown;
use crate::endpoint::shape;
use crate::endpoint::stream::Events;
use crate::endpoint::stream::Joined;

/// How the lines of a stream begin.
const MARKS: [&[u8]; 6] = [b"data:", b"event:", b"error:", b"id:", b"retry:", b":"];

/// What some put before everything.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// An answer as far as it came. Servers answer in one piece where a stream was asked for, and the other way round; its
/// first bytes tell.
#[derive(Debug)]
pub(in crate::endpoint) enum Answer {
    /// Too little came to tell.
    Begun(Vec<u8>),
    /// It comes in one piece.
    Whole(Vec<u8>),
    /// It comes as a stream.
    Stream(Box<(Events, Joined)>),
}

impl Default for Answer {
    fn default() -> Self {
        Self::Begun(Vec::new())
    }
}

impl Answer {
    /// Takes what came; whether that is all.
    ///
    /// # Errors
    /// A stream that is none, or tells of an error.
    pub(in crate::endpoint) fn push(&mut self, bytes: &[u8]) -> Result<bool, Fault> {
        match self {
            Self::Whole(known) => {
                known.extend_from_slice(bytes);
                Ok(false)
            }
            Self::Stream(both) => {
                let (events, joined) = both.as_mut();
                events.push(bytes, &mut |data| joined.take(data))
            }
            Self::Begun(known) => {
                known.extend_from_slice(bytes);
                let bare = known.trim_ascii_start();
                let bare = bare.strip_prefix(BOM).unwrap_or(bare).trim_ascii_start();
                if BOM.starts_with(bare) || MARKS.iter().any(|mark| mark.starts_with(bare)) {
                    *known = bare.to_vec();
                    return Ok(false);
                }
                let bare = bare.to_vec();
                *self = if MARKS.iter().any(|mark| bare.starts_with(mark)) {
                    Self::Stream(Box::default())
                } else {
                    Self::Whole(Vec::new())
                };
                self.push(&bare)
            }
        }
    }

    /// Whether it is all there, whatever becomes of the connection.
    pub(in crate::endpoint) fn is_whole(&self) -> bool {
        matches!(self, Self::Stream(both) if both.1.is_whole())
    }

    /// The completion.
    ///
    /// # Errors
    /// It is none, or not a whole one.
    pub(in crate::endpoint) fn finish(self, prices: Option<&Prices>) -> Result<Completion, Fault> {
        match self {
            Self::Begun(bytes) if bytes.is_empty() => Err(Fault::passing("an empty answer")),
            Self::Begun(bytes) | Self::Whole(bytes) => {
                let answer = serde_json::from_slice(&bytes).map_err(|_no_json| {
                    let text = String::from_utf8_lossy(&bytes);
                    Fault::passing(format!("an answer that is no JSON: {}", shown(&text)))
                })?;
                shape::completion(&answer, prices)
            }
            Self::Stream(both) => {
                let (mut events, mut joined) = *both;
                events.end(&mut |data| joined.take(data))?;
                joined.finish(prices)
            }
        }
    }
}
