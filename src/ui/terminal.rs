//! The terminal: taken over, given back, whatever happens. Every frame is one write.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Hide;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::DisableBracketedPaste;
use ratatui::crossterm::event::EnableBracketedPaste;
use ratatui::crossterm::queue;
use ratatui::crossterm::style::Print;
use ratatui::crossterm::style::ResetColor;
use ratatui::crossterm::terminal::BeginSynchronizedUpdate;
use ratatui::crossterm::terminal::Clear;
use ratatui::crossterm::terminal::ClearType;
use ratatui::crossterm::terminal::EndSynchronizedUpdate;
use ratatui::crossterm::terminal::EnterAlternateScreen;
use ratatui::crossterm::terminal::LeaveAlternateScreen;
use ratatui::crossterm::terminal::disable_raw_mode;
use ratatui::crossterm::terminal::enable_raw_mode;

use crate::error::Error;
use crate::error::Result;
use crate::ui::app::App;
use crate::ui::tasks;

/// Clicks and the wheel in SGR form; not motion, which costs bytes over a slow line and tells us nothing.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// The terminal is ours: the panic hook has something to give back.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// Collects a frame; `flush` does nothing, [`Screen::draw`] writes it all at once. Clones share the bytes.
#[derive(Debug, Default, Clone)]
struct Frame {
    bytes: Rc<RefCell<Vec<u8>>>,
}

impl Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The terminal while the program has it. Dropping it gives the terminal back.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Frame>>,
    frame: Frame,
    /// The bytes of the last frame.
    last: Vec<u8>,
    has_mouse: bool,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen")
            .field("has_mouse", &self.has_mouse)
            .finish_non_exhaustive()
    }
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When the terminal refuses raw mode or writes.
    pub fn enter(has_mouse: bool) -> Result<Self> {
        install_panic_hook();
        let frame = Frame::default();
        let terminal = Terminal::new(CrosstermBackend::new(frame.clone())).map_err(broken)?;
        let mut screen = Self {
            terminal,
            frame,
            last: Vec::new(),
            has_mouse,
        };
        screen.take()?;
        Ok(screen)
    }

    /// Takes it over again after [`Screen::leave`].
    ///
    /// # Errors
    /// See [`Screen::enter`].
    pub fn take(&mut self) -> Result<()> {
        enable_raw_mode().map_err(broken)?;
        IS_OURS.store(true, Ordering::SeqCst);
        let frame = self.terminal.backend_mut();
        queue!(frame, EnterAlternateScreen, EnableBracketedPaste, Hide).map_err(broken)?;
        if self.has_mouse {
            queue!(frame, Print(MOUSE_ON)).map_err(broken)?;
        }
        self.clear()?;
        self.write_out()
    }

    /// Gives the terminal back, for a while or for good.
    pub fn leave(&mut self) {
        give_back();
    }

    /// Lets the program have the mouse, or the terminal.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn set_mouse(&mut self, has_mouse: bool) -> Result<()> {
        self.has_mouse = has_mouse;
        let sequence = if has_mouse { MOUSE_ON } else { MOUSE_OFF };
        self.write_raw(sequence.as_bytes())
    }

    /// Writes bytes of our own making (the clipboard's) between two frames.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn write_raw(&mut self, bytes: &[u8]) -> Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(broken)
    }

    /// Forgets what is on the screen, so that the next frame paints all of it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn clear(&mut self) -> Result<()> {
        // ratatui's own clear asks the terminal where the cursor is, and waits for seconds where nobody answers
        self.last.clear();
        queue!(self.terminal.backend_mut(), Clear(ClearType::All)).map_err(broken)?;
        self.terminal = Terminal::new(CrosstermBackend::new(self.frame.clone())).map_err(broken)?;
        Ok(())
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// When the terminal does not say.
    pub fn size(&self) -> Result<(u16, u16)> {
        let size = self.terminal.size().map_err(broken)?;
        Ok((size.width, size.height))
    }

    /// Draws a frame: computed in memory, compared with the one before, written as one synchronized update.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, app: &App) -> Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate).map_err(broken)?;
        self.terminal
            .draw(|frame| {
                let cursor = app.draw(frame.buffer_mut());
                if let Some(cursor) = cursor {
                    frame.set_cursor_position(cursor);
                }
            })
            .map_err(broken)?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate).map_err(broken)?;
        let bytes = self.frame.bytes.take();
        // frames say what changed, at absolute places: one that says what the last one said changes nothing
        if bytes == self.last {
            return Ok(());
        }
        self.write_raw(&bytes)?;
        self.last = bytes;
        Ok(())
    }

    fn write_out(&mut self) -> Result<()> {
        let bytes = self.frame.bytes.take();
        self.write_raw(&bytes)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn broken(err: std::io::Error) -> Error {
    Error::input("the terminal is gone").caused_by(err)
}

/// Gives the terminal back once, in the reverse order of taking; safe from any thread and twice.
fn give_back() {
    if !IS_OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut bytes = Vec::new();
    let _queued = queue!(
        bytes,
        Print(MOUSE_OFF),
        DisableBracketedPaste,
        EndSynchronizedUpdate,
        ResetColor,
        Show,
        LeaveAlternateScreen
    );
    let mut out = std::io::stdout().lock();
    let _written = out.write_all(&bytes).and_then(|()| out.flush());
    let _cooked = disable_raw_mode();
}

/// A panic on the thread of the screen gives the terminal back before it is reported. One on a worker is caught
/// there and becomes a message; its report would only tear the screen, so it is kept quiet while that is up.
fn install_panic_hook() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let screen_thread = std::thread::current().id();
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == screen_thread {
                give_back();
                report(info);
            } else if IS_OURS.load(Ordering::SeqCst) {
                tasks::remember_panic(info.to_string());
            } else if !crate::store::expects_panic() {
                report(info);
            }
        }));
    });
}
