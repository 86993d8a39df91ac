//! A scripted endpoint for tests: a plain HTTP/1.1 server on a port of this machine that answers as it is told.
//!
//! It is part of the library only so that unit tests and tests of the whole program can share it.

use std::fmt::Write as _;
use std::io;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

use serde_json::json;

use crate::model::Value;

/// What the endpoint says to one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// 200 with this body.
    Json(Value),
    /// 200 with these chunks as server-sent events, and `[DONE]` behind them.
    Stream(Vec<Value>),
    /// 200 with these events as they stand, and nothing behind them.
    Events(String),
    /// This status, these headers, this body.
    Status(u16, Vec<(String, String)>, String),
    /// These bytes, instead of HTTP.
    Garbage(Vec<u8>),
    /// As the other one, but the connection breaks off after so many bytes of its body.
    BreakOff(Box<Self>, usize),
    /// As the other one, but nothing comes after so many bytes of its body: it hangs.
    HangAfter(Box<Self>, usize),
    /// Nothing, for as long as the other side waits.
    Hang,
    /// The connection ends without a byte.
    Close,
}

impl Reply {
    /// A completion that says this and stops; it took 10 tokens of prompt and 5 of answer.
    pub fn says(content: &str) -> Self {
        Self::message(
            &json!({"role": "assistant", "content": content}),
            "stop",
            10,
            5,
        )
    }

    /// A completion that calls these functions: names and arguments.
    pub fn calls(calls: &[(&str, Value)]) -> Self {
        let calls: Vec<Value> = calls
            .iter()
            .enumerate()
            .map(|(ix, (name, arguments))| {
                json!({
                    "id": format!("call_{ix}"),
                    "type": "function",
                    "function": {"name": name, "arguments": arguments.to_string()},
                })
            })
            .collect();
        let message = json!({"role": "assistant", "content": null, "tool_calls": calls});
        Self::message(&message, "tool_calls", 10, 5)
    }

    /// A completion with this message, this reason to stop and these tokens of prompt and answer.
    pub fn message(message: &Value, finish_reason: &str, prompt: u64, answer: u64) -> Self {
        Self::Json(json!({
            "id": "chatcmpl-stub",
            "object": "chat.completion",
            "model": "stub",
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": answer,
                "total_tokens": prompt.saturating_add(answer),
            },
        }))
    }

    /// This status with nothing to say.
    pub fn status(status: u16) -> Self {
        Self::Status(status, Vec::new(), String::new())
    }
}

/// A request that came.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Its method and path, with the query.
    pub line: String,
    /// The names of its headers in small letters, and their values.
    pub headers: Vec<(String, String)>,
    /// Its body; `null` where that is no JSON.
    pub body: Value,
}

impl Asked {
    /// The value of a header, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

type Script = dyn Fn(&Value, usize) -> Reply + Send + Sync;

struct Shared {
    script: Box<Script>,
    asked: Mutex<Vec<Asked>>,
    is_over: AtomicBool,
}

/// A server that answers chat completions by a script. It ends when it is dropped.
pub struct Stub {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Stub {
    /// Listens on a free port. The script is given the body of a request and how many requests came before it, and is
    /// called from several threads when several connections are open.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(
        script: impl Fn(&Value, usize) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script: Box::new(script),
            asked: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        let _detached = thread::Builder::new().spawn(move || {
            for stream in listener.incoming() {
                if served.is_over.load(Ordering::Relaxed) {
                    break;
                }
                let served = Arc::clone(&served);
                if let Ok(stream) = stream {
                    // a connection that breaks is the business of the one that asked
                    drop(thread::Builder::new().spawn(move || drop(serve(&served, &stream))));
                }
            }
        })?;
        Ok(Self { address, shared })
    }

    /// The base URL, as a person would give it.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// All requests that came, in their order.
    pub fn asked(&self) -> Vec<Asked> {
        let asked = self.shared.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests came.
    pub fn count(&self) -> usize {
        let asked = self.shared.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // wakes the one that listens
        drop(TcpStream::connect(self.address));
    }
}

/// Answers what comes over one connection until it ends.
fn serve(shared: &Shared, mut stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read_request(&mut reader)? {
        let body = asked.body.clone();
        let number = {
            let mut all = shared.asked.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(asked);
            all.len() - 1
        };
        let reply = (shared.script)(&body, number);
        if !answer(&mut stream, &reply)? {
            break;
        }
    }
    Ok(())
}

/// The next request; `None` when the connection ended before one.
fn read_request(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Asked>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut headers = Vec::new();
    let mut length = 0_u64;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        if name == "content-length" {
            length = value.parse().unwrap_or_default();
        }
        headers.push((name, value));
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    Ok(Some(Asked {
        line: line.trim_end().to_owned(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }))
}

/// Sends a reply; whether the connection goes on.
fn answer(stream: &mut &TcpStream, reply: &Reply) -> io::Result<bool> {
    match reply {
        Reply::BreakOff(whole, at) => {
            stream.write_all(&beginning(whole, *at))?;
            Ok(false)
        }
        Reply::HangAfter(whole, at) => {
            stream.write_all(&beginning(whole, *at))?;
            hang(stream)
        }
        Reply::Hang => hang(stream),
        whole => {
            let (head, body) = bytes(whole);
            stream.write_all(&[head, body].concat())?;
            Ok(!matches!(
                whole,
                Reply::Garbage(_) | Reply::Close | Reply::Events(_)
            ))
        }
    }
}

/// Waits until the other side ends the connection.
fn hang(stream: &mut &TcpStream) -> io::Result<bool> {
    io::copy(stream, &mut io::sink())?;
    Ok(false)
}

/// The head of a reply and so many bytes of its body.
fn beginning(reply: &Reply, at: usize) -> Vec<u8> {
    let (mut head, mut body) = bytes(reply);
    body.truncate(at);
    head.append(&mut body);
    head
}

/// The head and the body of a reply.
fn bytes(reply: &Reply) -> (Vec<u8>, Vec<u8>) {
    match reply {
        Reply::Json(value) => framed(200, "application/json", &[], value.to_string()),
        Reply::Stream(chunks) => {
            let mut events = String::new();
            for chunk in chunks {
                // writing to a string cannot fail
                let _ = write!(events, "data: {chunk}\n\n");
            }
            events.push_str("data: [DONE]\n\n");
            framed(200, "text/event-stream", &[], events)
        }
        Reply::Events(events) => {
            // its end is the end of the connection, as with servers that do not know how much will come
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
            (head.as_bytes().to_vec(), events.as_bytes().to_vec())
        }
        Reply::Status(status, headers, body) => {
            framed(*status, "text/plain", headers, body.clone())
        }
        Reply::Garbage(garbage) => (Vec::new(), garbage.clone()),
        Reply::BreakOff(whole, _) | Reply::HangAfter(whole, _) => bytes(whole),
        Reply::Hang | Reply::Close => (Vec::new(), Vec::new()),
    }
}

fn framed(
    status: u16,
    content_type: &str,
    headers: &[(String, String)],
    body: String,
) -> (Vec<u8>, Vec<u8>) {
    let mut head = format!(
        "HTTP/1.1 {status} Stub\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        // writing to a string cannot fail
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    (head.into_bytes(), body.into_bytes())
}
