//! The terminal: taken over, given back, whatever happens. Every frame is one write.

mod paint;

use std::io::Write as _;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use ratatui::buffer::Buffer;
use ratatui::crossterm::cursor::Hide;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::DisableBracketedPaste;
use ratatui::crossterm::event::EnableBracketedPaste;
use ratatui::crossterm::queue;
use ratatui::crossterm::style::Print;
use ratatui::crossterm::style::ResetColor;
use ratatui::crossterm::terminal;
use ratatui::crossterm::terminal::EndSynchronizedUpdate;
use ratatui::crossterm::terminal::EnterAlternateScreen;
use ratatui::crossterm::terminal::LeaveAlternateScreen;
use ratatui::crossterm::terminal::disable_raw_mode;
use ratatui::crossterm::terminal::enable_raw_mode;
use ratatui::layout::Rect;

use crate::error::Error;
use crate::error::Result;
use crate::ui::app::App;
use crate::ui::tasks;
use crate::ui::terminal::paint::Painter;

/// Clicks and the wheel in SGR form; not motion, which costs bytes over a slow line and tells us nothing.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// The terminal is ours: the panic hook has something to give back.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// The terminal while the program has it. Dropping it gives the terminal back.
pub struct Screen {
    painter: Painter,
    /// Where the next frame is drawn.
    frame: Buffer,
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
        let mut screen = Self {
            painter: Painter::new(),
            frame: Buffer::default(),
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
        let mut bytes = Vec::new();
        queue!(bytes, EnterAlternateScreen, EnableBracketedPaste, Hide).map_err(broken)?;
        if self.has_mouse {
            queue!(bytes, Print(MOUSE_ON)).map_err(broken)?;
        }
        self.clear();
        self.write_raw(&bytes)
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
    pub fn clear(&mut self) {
        self.painter.forget();
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// When the terminal does not say.
    pub fn size(&self) -> Result<(u16, u16)> {
        let of_output = rustix::termios::tcgetwinsize(std::io::stdout());
        match of_output {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Ok((size.ws_col, size.ws_row)),
            _ => terminal::size().map_err(broken),
        }
    }

    /// Draws a frame: computed in memory, compared with what is shown, written at once.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, app: &App) -> Result<()> {
        let (width, height) = self.size()?;
        self.frame.resize(Rect::new(0, 0, width, height));
        self.frame.reset();
        let cursor = app.draw(&mut self.frame);
        let bytes = self.painter.paint(&self.frame, cursor);
        if bytes.is_empty() {
            return Ok(());
        }
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
