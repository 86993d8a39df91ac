//! The body of an answer, in whichever of the two forms it comes.

use crate::endpoint::Completion;
use crate::endpoint::Prices;
use crate::endpoint::fault::Fault;
use crate::endpoint::fault::shown;
use crate::endpoint::shape;
use crate::endpoint::stream::Events;
use crate::endpoint::stream::Joined;

/// An answer as far as it came. Servers answer in one piece where a stream was asked for, and the other way round; its
/// first bytes tell.
#[derive(Debug)]
pub(in crate::endpoint) enum Answer {
    /// Nothing but blanks came.
    Blank,
    /// It comes in one piece.
    Whole(Vec<u8>),
    /// It comes as a stream.
    Stream(Box<(Events, Joined)>),
}

impl Answer {
    /// Takes what came; whether that is all.
    ///
    /// # Errors
    /// A stream that is none, or tells of an error.
    pub(in crate::endpoint) fn push(&mut self, bytes: &[u8]) -> Result<bool, Fault> {
        let mut bytes = bytes;
        if matches!(self, Self::Blank) {
            bytes = bytes.trim_ascii_start();
            match bytes.first() {
                None => return Ok(false),
                // `data:`, `event:`, `id:`, `retry:`, or the colon of a comment
                Some(b'd' | b'e' | b'i' | b'r' | b':') => *self = Self::Stream(Box::default()),
                Some(_) => *self = Self::Whole(Vec::new()),
            }
        }
        match self {
            Self::Blank => Ok(false),
            Self::Whole(known) => {
                known.extend_from_slice(bytes);
                Ok(false)
            }
            Self::Stream(both) => {
                let (events, joined) = both.as_mut();
                events.push(bytes, &mut |data| joined.take(data))
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
            Self::Blank => Err(Fault::passing("an empty answer")),
            Self::Whole(bytes) => {
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
