//! Listening to the terminal on a thread of its own. Where the terminal goes away without a word, crossterm's reader
//! spins in the thread that called it: that must not be the one that ends the program.

use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use futures_util::StreamExt as _;
use ratatui::crossterm::event::Event;
use ratatui::crossterm::event::EventStream;
use tokio::sync::mpsc;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

/// A thread that reads the terminal's events until it is stopped.
#[derive(Debug)]
pub(super) struct Keys {
    events: UnboundedReceiver<std::io::Result<Event>>,
    /// Asks for one event. Nothing is read unasked: a reader that waits while another program has the terminal would
    /// take that program's first keys.
    ask: UnboundedSender<()>,
    is_asked: bool,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keys {
    /// How long a thread that was asked to stop is waited for; one that spins never comes.
    const PATIENCE: Duration = Duration::from_millis(300);

    /// Starts to listen.
    pub(super) fn listen() -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let (ask, mut asked) = mpsc::unbounded_channel();
        let (stop, mut stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                let mut stream = EventStream::new();
                loop {
                    tokio::select! {
                        biased;
                        _ = &mut stopped => break,
                        asked = asked.recv() => if asked.is_none() { break },
                    }
                    tokio::select! {
                        biased;
                        _ = &mut stopped => break,
                        event = stream.next() => {
                            let Some(event) = event else { break };
                            let is_last = event.is_err();
                            if sender.send(event).is_err() || is_last {
                                break;
                            }
                        }
                    }
                }
            });
        });
        Self {
            events,
            ask,
            is_asked: false,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The next event; `None` when the terminal is gone.
    pub(super) async fn next(&mut self) -> Option<std::io::Result<Event>> {
        if !self.is_asked {
            // a reader that is gone has closed `events` too
            self.is_asked = self.ask.send(()).is_ok();
        }
        let event = self.events.recv().await;
        self.is_asked = false;
        event
    }

    /// Stops listening, so that another program can have the keys. Events that were read before are lost: they were
    /// typed at what was on the screen then.
    pub(super) fn stop(mut self) {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else {
            return;
        };
        let deadline = Instant::now() + Self::PATIENCE;
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
