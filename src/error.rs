//! Errors of hgview: a kind that decides tone and exit code, the thing it happened to, the cause, and hints.
//!
//! A fault in one record is data ([`crate::model::Fault`]), not an [`Error`]; an `Error` ends a command or becomes
//! a message on the screen with its hint.

use std::fmt;

/// The result of everything that can fail as a whole.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose doing a failure is; decides the words around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A flag, a filter, a settings or key file is wrong.
    User,
    /// A file is missing, unreadable or not what it should be.
    Input,
    /// A bound (sandbox, time, size) was reached.
    Limit,
    /// An invariant of hgview does not hold.
    Internal,
}

/// A failure: its kind, what happened to which thing, why, and what to try.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    what: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    hints: Vec<String>,
}

impl Error {
    /// Makes an error of `kind`; `what` names the thing (path, record, flag) and what is wrong with it.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            source: None,
            hints: Vec::new(),
        }
    }

    /// A mistake of the caller's: flag, filter, settings.
    pub fn user(what: impl Into<String>) -> Self {
        Self::new(Kind::User, what)
    }

    /// An input that is missing, unreadable or malformed.
    pub fn input(what: impl Into<String>) -> Self {
        Self::new(Kind::Input, what)
    }

    /// A bound that was reached.
    pub fn limit(what: impl Into<String>) -> Self {
        Self::new(Kind::Limit, what)
    }

    /// A broken invariant of our own.
    pub fn internal(what: impl Into<String>) -> Self {
        Self::new(Kind::Internal, what)
    }

    /// Keeps the cause, printed after a colon.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds something to try, printed on a line of its own.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Whose doing it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What to try, in order; often empty.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Whether the reader of our output went away (`hgview list … | head`); such an end is quiet and a success.
    pub fn is_broken_pipe(&self) -> bool {
        let mut cause = self
            .source
            .as_deref()
            .map(|s| s as &(dyn std::error::Error + 'static));
        while let Some(err) = cause {
            if err
                .downcast_ref::<std::io::Error>()
                .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
            {
                return true;
            }
            cause = err.source();
        }
        false
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        let mut cause = self
            .source
            .as_deref()
            .map(|s| s as &(dyn std::error::Error + 'static));
        while let Some(err) = cause {
            write!(f, ": {err}")?;
            cause = err.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// A failed write of our own output; a broken pipe is recognised by [`Error::is_broken_pipe`].
impl From<std::io::Error> for Error {
    fn from(err: std::io::Error) -> Self {
        Self::input("cannot write the output").caused_by(err)
    }
}
