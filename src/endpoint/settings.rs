//! Where an endpoint is and how it is asked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::HeaderName;
use ureq::http::HeaderValue;
use ureq::http::Uri;
use ureq::tls::Certificate;
use ureq::tls::PemItem;
use ureq::tls::parse_pem;

use crate::endpoint::Key;
use crate::endpoint::Usage;
use crate::error::Error;
use crate::error::Result;

/// What stands where a secret would have been shown.
const MASK: &str = "<secret>";

/// US dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// Of tokens that are read.
    pub input: f64,
    /// Of tokens that are written.
    pub output: f64,
}

impl Prices {
    /// What these tokens cost.
    pub fn cost(&self, usage: &Usage) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "no one pays for 2^53 tokens at once"
        )]
        let (read, written) = (usage.prompt_tokens as f64, usage.completion_tokens as f64);
        (read * self.input + written * self.output) / 1e6
    }
}

/// How long what may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Finding the host, and then connecting to it.
    pub connect: Duration,
    /// A whole answer, from the first byte that is sent to the last that comes.
    pub whole: Duration,
    /// Between two pieces of an answer that comes in pieces; before the first one, which may take its time, `whole` holds.
    pub idle: Duration,
    /// The longest that an endpoint may ask us to wait.
    pub patience: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            whole: Duration::from_mins(10),
            idle: Duration::from_mins(5),
            patience: Duration::from_mins(5),
        }
    }
}

/// Where an endpoint is and how it is asked.
#[derive(Clone)]
pub struct Settings {
    /// The URL of its chat completions.
    pub(in crate::endpoint) url: Uri,
    /// The name of the model.
    pub model: String,
    /// The key, where it wants one.
    pub key: Option<Key>,
    /// Who is believed to say whose a certificate is, where that is not for the built-in authorities to say.
    pub(in crate::endpoint) authorities: Option<Arc<Vec<Certificate<'static>>>>,
    /// Further headers. They may be as secret as a key.
    pub(in crate::endpoint) headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether answers come in pieces, so that one that hangs is seen early.
    pub is_streamed: bool,
    /// How often one answer is asked for, at least once.
    pub tries: u32,
    /// How long what may take.
    pub times: Times,
    /// The bytes that an answer may have.
    pub max_bytes: usize,
    /// What tokens cost.
    pub prices: Option<Prices>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.host())
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Of an endpoint at a base URL: `http://localhost:8000/v1`, `https://api.example.com/v1`. A URL that ends in
    /// `/chat/completions` is taken as it stands; a query stays.
    ///
    /// # Errors
    /// *user* when that is no URL, or one with a name and a password.
    pub fn new(url: &str, model: &str) -> Result<Self> {
        Ok(Self {
            url: completions_url(url)?,
            model: model.to_owned(),
            key: None,
            authorities: None,
            headers: Vec::new(),
            is_streamed: true,
            tries: 6,
            times: Times::default(),
            max_bytes: 32 << 20,
            prices: None,
        })
    }

    /// Believes these authorities, in PEM, and no others.
    ///
    /// # Errors
    /// *user* when these are no certificates.
    pub fn set_authorities(&mut self, pem: &[u8]) -> Result<()> {
        let mut found = Vec::new();
        for item in parse_pem(pem) {
            match item {
                Ok(PemItem::Certificate(certificate)) => found.push(certificate),
                Ok(_) => {}
                Err(err) => return Err(Error::user("no certificates in PEM").caused_by(err)),
            }
        }
        if found.is_empty() {
            return Err(Error::user("no certificates in PEM"));
        }
        self.authorities = Some(Arc::new(found));
        Ok(())
    }

    /// Sends a header with every request: `Name: value`.
    ///
    /// # Errors
    /// *user* when that is no header, or one that is not for us to set; says its name at most.
    pub fn add_header(&mut self, header: &str) -> Result<()> {
        let wrong = || Error::user("--header takes `Name: value`");
        let (name, value) = header.split_once(':').ok_or_else(wrong)?;
        let name: HeaderName = name.trim().parse().map_err(|_no_name| wrong())?;
        let taken = ["content-length", "transfer-encoding", "host", "connection"];
        if taken.contains(&name.as_str()) {
            return Err(Error::user(format!("--header cannot set {name}")));
        }
        let mut value: HeaderValue = value.trim().parse().map_err(|_no_value| wrong())?;
        value.set_sensitive(true);
        self.headers.push((name, value));
        Ok(())
    }

    /// The host, with its port where it has one: all of the URL that is shown.
    pub fn host(&self) -> &str {
        self.url.authority().map_or("", |host| host.as_str())
    }

    /// A text without the key, the values of headers and the query of the URL: they may be secret, and an endpoint may
    /// say back what it was sent.
    pub(in crate::endpoint) fn masked(&self, text: &str) -> String {
        let mut text = match &self.key {
            Some(key) => key.masked(text),
            None => text.to_owned(),
        };
        let headers = self.headers.iter();
        let values = headers.filter_map(|(_, value)| std::str::from_utf8(value.as_bytes()).ok());
        for secret in values.chain(self.url.query()) {
            if !secret.is_empty() {
                text = text.replace(secret, MASK);
            }
        }
        text
    }

    /// Whether the host is this machine. No proxy is asked to go there.
    pub(in crate::endpoint) fn is_local(&self) -> bool {
        let host = self.url.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

/// The URL of the chat completions below a base URL.
fn completions_url(url: &str) -> Result<Uri> {
    let wrong = |what: &str| {
        Error::user(format!("--endpoint {what}"))
            .hint("give a base URL such as http://localhost:8000/v1")
    };
    let (base, query) = match url.trim().split_once('?') {
        Some((base, query)) => (base, format!("?{query}")),
        None => (url.trim(), String::new()),
    };
    let base = base.trim_end_matches('/');
    let path = if base.ends_with("/chat/completions") {
        ""
    } else {
        "/chat/completions"
    };
    let url: Uri = format!("{base}{path}{query}")
        .parse()
        .map_err(|_no_url| wrong("is no URL"))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err(wrong("is no URL that begins with http:// or https://"));
    }
    let host = url.authority().map_or("", |host| host.as_str());
    if host.contains('@') {
        return Err(wrong("has a name or a password in its URL"));
    }
    if url.host().is_none_or(str::is_empty) {
        return Err(wrong("names no host"));
    }
    Ok(url)
}
