//! One request and what comes back, in a thread of its own so that it can be given up at any time.

use std::io;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use ureq::Agent;
use ureq::Timeout;
use ureq::http::HeaderMap;
use ureq::http::Response;
use ureq::http::StatusCode;
use ureq::tls::RootCerts;
use ureq::tls::TlsConfig;

use crate::cancel::Cancel;
use crate::endpoint::Settings;
use crate::endpoint::fault::Fault;
use crate::endpoint::pause::LOOK;
use crate::text::human;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 16 << 10;
/// Pieces that wait for being looked at; the connection waits with them.
const PIECES: usize = 16;
/// How long the end of a connection is waited for whose answer is all there, so that it can be used again.
const TAIL: Duration = Duration::from_millis(20);

/// Connections to one endpoint that are not in use. Each agent has one at most, so that giving one up closes no other.
#[derive(Debug, Default)]
pub(in crate::endpoint) struct Agents(Mutex<Vec<Agent>>);

/// What the thread tells.
enum Piece {
    Head(StatusCode, HeaderMap),
    Bytes(Vec<u8>),
    End,
    Failed(Fault),
}

/// A response that is on its way.
pub(in crate::endpoint) struct Incoming<'a> {
    settings: &'a Settings,
    agents: &'a Agents,
    cancel: &'a Cancel,
    agent: Option<Agent>,
    pieces: mpsc::Receiver<Piece>,
    begin: Instant,
    /// Some of its body came.
    has_begun: bool,
    /// Its status.
    pub(in crate::endpoint) status: StatusCode,
    /// Its headers.
    pub(in crate::endpoint) headers: HeaderMap,
}

impl Agents {
    fn any(&self, settings: &Settings) -> Agent {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        known.unwrap_or_else(|| new_agent(settings))
    }

    fn keep(&self, agent: Agent) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(agent);
    }

    /// Sends a body and waits for the head of what comes back.
    ///
    /// # Errors
    /// Nothing came in time, the connection failed, it was cancelled.
    pub(in crate::endpoint) fn send<'a>(
        &'a self,
        settings: &'a Settings,
        body: Vec<u8>,
        cancel: &'a Cancel,
    ) -> Result<Incoming<'a>, Fault> {
        let agent = self.any(settings);
        let (out, pieces) = mpsc::sync_channel(PIECES);
        let (asking, of) = (agent.clone(), settings.clone());
        let thread = thread::Builder::new().name("endpoint".to_owned());
        let thread = thread.spawn(move || {
            let last = match talk(&asking, &of, &body, &out) {
                Ok(()) => Piece::End,
                Err(fault) => Piece::Failed(fault),
            };
            // nobody listens any more where it was given up
            drop(out.send(last));
        });
        if let Err(err) = thread {
            return Err(Fault::passing(format!("no thread to ask in: {err}")));
        }
        let mut incoming = Incoming {
            settings,
            agents: self,
            cancel,
            agent: Some(agent),
            pieces,
            begin: Instant::now(),
            has_begun: false,
            status: StatusCode::OK,
            headers: HeaderMap::new(),
        };
        match incoming.piece(None)? {
            Piece::Head(status, headers) => {
                incoming.status = status;
                incoming.headers = headers;
                Ok(incoming)
            }
            Piece::Failed(fault) => Err(fault),
            Piece::Bytes(_) | Piece::End => Err(Fault::passing("a response without a head")),
        }
    }
}

impl Incoming<'_> {
    /// The next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// Nothing came in time, the connection broke, it was cancelled.
    pub(in crate::endpoint) fn next(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let can_idle = self.settings.is_streamed && self.has_begun;
        let idle = can_idle.then_some(self.settings.times.idle);
        match self.piece(idle)? {
            Piece::Bytes(bytes) => {
                self.has_begun = true;
                Ok(Some(bytes))
            }
            Piece::End => {
                if let Some(agent) = self.agent.take() {
                    self.agents.keep(agent);
                }
                Ok(None)
            }
            Piece::Failed(fault) => Err(fault),
            Piece::Head(..) => Err(Fault::passing("a response with two heads")),
        }
    }

    /// The beginning of the body as text, as far as it comes.
    pub(in crate::endpoint) fn text(&mut self, max_bytes: usize) -> Result<String, Fault> {
        let mut bytes = Vec::new();
        while bytes.len() < max_bytes {
            match self.next() {
                Ok(Some(more)) => bytes.extend_from_slice(&more),
                Err(Fault::Cancelled) => return Err(Fault::Cancelled),
                // where it breaks off, the status says enough
                Ok(None) | Err(_) => break,
            }
        }
        bytes.truncate(max_bytes);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Takes note that no more of the body is needed: a connection that ends now all the same can be used again.
    pub(in crate::endpoint) fn finish(mut self) {
        if let Ok(Piece::End) = self.pieces.recv_timeout(TAIL)
            && let Some(agent) = self.agent.take()
        {
            self.agents.keep(agent);
        }
    }

    /// What the thread tells next.
    fn piece(&self, idle: Option<Duration>) -> Result<Piece, Fault> {
        let since = Instant::now();
        let whole = self.settings.times.whole;
        loop {
            if self.cancel.is_cancelled() {
                return Err(Fault::Cancelled);
            }
            let left = whole.checked_sub(self.begin.elapsed());
            let Some(left) = left.filter(|left| !left.is_zero()) else {
                return Err(too_slow(whole));
            };
            let idle_left = idle.map_or(left, |idle| idle.saturating_sub(since.elapsed()));
            match self.pieces.recv_timeout(LOOK.min(left).min(idle_left)) {
                Ok(piece) => return Ok(piece),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Fault::passing("the connection ended"));
                }
                Err(RecvTimeoutError::Timeout) if idle_left.is_zero() => {
                    let idle = human::seconds(idle.unwrap_or_default().as_secs_f64());
                    return Err(Fault::passing(format!("the stream stood still for {idle}")));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.shutdown();
        }
    }
}

fn too_slow(whole: Duration) -> Fault {
    let whole = human::seconds(whole.as_secs_f64());
    Fault::passing(format!("no whole answer within {whole}"))
}

fn new_agent(settings: &Settings) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        // what is sent goes to the endpoint that was named and to no other
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(1)
        .max_idle_connections_per_host(1)
        .timeout_resolve(Some(settings.times.connect))
        .timeout_connect(Some(settings.times.connect))
        .timeout_global(Some(settings.times.whole))
        .user_agent(concat!("hgview/", env!("CARGO_PKG_VERSION")));
    if settings.is_local() {
        config = config.proxy(None);
    }
    if let Some(authorities) = &settings.authorities {
        let roots = RootCerts::Specific(Arc::clone(authorities));
        config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
    }
    config.build().new_agent()
}

/// Asks, and tells what comes until it ends or nobody listens.
fn talk(
    agent: &Agent,
    settings: &Settings,
    body: &[u8],
    out: &mpsc::SyncSender<Piece>,
) -> Result<(), Fault> {
    let mut request = agent
        .post(&settings.url)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    if let Some(key) = &settings.key {
        request = request.header("authorization", key.header());
    }
    for (name, value) in &settings.headers {
        request = request.header(name, value);
    }
    let response = request.send(body).map_err(|err| fault_of(&err, settings))?;
    let (head, body) = Response::into_parts(response);
    if out.send(Piece::Head(head.status, head.headers)).is_err() {
        return Ok(());
    }
    let mut reader = body.into_reader();
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let count = reader.read(&mut piece).map_err(|err| {
            let err = ureq::Error::from(err);
            match err {
                ureq::Error::Timeout(_) => fault_of(&err, settings),
                _ => Fault::passing(format!("the connection broke off: {err}")),
            }
        })?;
        piece.truncate(count);
        if count == 0 || out.send(Piece::Bytes(piece)).is_err() {
            return Ok(());
        }
    }
}

fn fault_of(err: &ureq::Error, settings: &Settings) -> Fault {
    match err {
        ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            let within = human::seconds(settings.times.connect.as_secs_f64());
            Fault::passing(format!("no connection within {within}"))
        }
        ureq::Error::Timeout(_) => too_slow(settings.times.whole),
        ureq::Error::Http(_) | ureq::Error::BadUri(_) | ureq::Error::InvalidProxyUrl => {
            Fault::Refused(format!("it cannot be asked: {err}"))
        }
        // so it is told that the other side speaks no TLS, or that its certificate is not believed
        ureq::Error::Io(err) if err.kind() == io::ErrorKind::InvalidData => {
            Fault::Refused(format!("no safe connection: {err}"))
        }
        ureq::Error::Io(err) => Fault::passing(format!("no connection: {err}")),
        _ => Fault::passing(format!("no connection: {err}")),
    }
}
