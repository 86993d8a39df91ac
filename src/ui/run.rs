//! The event loop: the terminal's events, finished work, signals and timers in; one frame out when something
//! changed. The only owner of a terminal.

mod keys;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use ratatui::crossterm::event::Event as TerminalEvent;
use ratatui::crossterm::event::KeyEventKind;
use ratatui::layout::Rect;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::mpsc;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::UnboundedSender;

use crate::behave::flags::Chosen;
use crate::config::DiffChoice;
use crate::config::Paths;
use crate::config::Problem;
use crate::config::Settings;
use crate::error::Error;
use crate::error::Result;
use crate::review::Line;
use crate::select::Selector;
use crate::store::Store;
use crate::text::clean_line;
use crate::theme;
use crate::theme::ColorEnv;
use crate::theme::Depth;
use crate::theme::Theme;
use crate::ui::app::App;
use crate::ui::app::First;
use crate::ui::app::Habits;
use crate::ui::app::Paint;
use crate::ui::clipboard;
use crate::ui::clipboard::ClipboardEnv;
use crate::ui::data::Data;
use crate::ui::data::desk::DeskOptions;
use crate::ui::effect::Effect;
use crate::ui::event::Event;
use crate::ui::event::Notice;
use crate::ui::event::Tone;
use crate::ui::judge;
use crate::ui::judge::Judge;
use crate::ui::keymap::Keymap;
use crate::ui::page::DiffLayout;
use crate::ui::run::keys::Keys;
use crate::ui::tasks::Env;
use crate::ui::tasks::Journal;
use crate::ui::tasks::Tasks;
use crate::ui::terminal::Screen;
use crate::ui::view::Look;
use crate::verify::replays::Replays;
use crate::workspace::repositories::Repositories;

/// What the program starts with.
#[derive(Debug)]
pub struct RunOptions {
    /// The inputs, opened and not scanned.
    pub store: Store,
    /// What the inputs are called in the title.
    pub title: String,
    /// Settings, command-line flags worked in.
    pub settings: Settings,
    /// What was wrong with the settings.
    pub problems: Vec<Problem>,
    /// Folders.
    pub paths: Paths,
    /// Open this step (from 0) at once when the inputs hold a single record.
    pub first_step: Option<usize>,
    /// Open this record instead of the list.
    pub first: Option<First>,
    /// The query that records have to answer.
    pub filter: Option<Selector>,
    /// Who decides, and how.
    pub desk: DeskOptions,
    /// Where decisions are read from and written to.
    pub journal: Journal,
    /// Where repositories are.
    pub repositories: Repositories,
    /// How records are replayed.
    pub replays: Replays,
}

/// The filters, with their cache and the repositories that they may read.
fn judge_of(paths: &Paths, repositories: &Repositories) -> Judge {
    let folder = paths.cache.join("verify");
    Judge::new(judge::check, Some(folder)).with_repositories(repositories.clone())
}

/// Runs the program until the user quits. The terminal is as before when it returns, whatever happened.
///
/// # Errors
/// *User* when the theme does not exist; *input* when the terminal refuses or is gone.
pub fn run(options: RunOptions) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|err| Error::internal("cannot start the event loop").caused_by(err))?;
    runtime.block_on(async { Loop::start(options)?.run().await })
}

/// What the user set up, and where to begin.
fn habits(settings: &Settings, keymap: Keymap, begin: (Option<usize>, Option<First>)) -> Habits {
    let (first_step, first) = begin;
    Habits {
        keymap,
        look: look(settings),
        has_mouse: settings.mouse,
        has_preview: settings.preview,
        export: Vec::new(),
        stats_by: Vec::new(),
        history: Vec::new(),
        first_step,
        first,
    }
}

struct Loop {
    app: App,
    tasks: Tasks,
    screen: Screen,
    settings: Settings,
    notices: UnboundedReceiver<Notice>,
    sender: UnboundedSender<Notice>,
    is_following: bool,
    is_over: bool,
    /// The next frame waits a moment for the page that the last key asked for.
    awaits_page: bool,
    signals: Signals,
    /// The folder of what could not be saved anywhere else.
    state: PathBuf,
}

impl Loop {
    /// A frame after a key may wait this long for the page it asked for: less than is seen, more than most pages take.
    const PAGE_WAIT: Duration = Duration::from_millis(6);
    /// The first frame may wait this long for the rows that it has room for.
    const ROWS_WAIT: Duration = Duration::from_millis(40);
    /// Frames that no key asked for come at most this often.
    const PACE: Duration = Duration::from_millis(16);
    /// Right after the start and after a key somebody is looking: what comes in then is shown at once.
    const LOOKING: Duration = Duration::from_millis(300);
    const QUICK_PACE: Duration = Duration::from_millis(3);
    /// Frames that no key asked for on a line where bytes matter.
    const SLOW_PACE: Duration = Duration::from_millis(250);
    /// How long a frame waits for a page there: one frame is cheaper than two.
    const SLOW_PAGE_WAIT: Duration = Duration::from_millis(40);
    const FOLLOW: Duration = Duration::from_secs(1);
    /// So long after the last key, and so far apart, free memory is handed back: nobody waits then.
    const REST: Duration = Duration::from_secs(1);
    const REST_PACE: Duration = Duration::from_secs(5);
    /// Decisions that are not on the disk after this go to a file of their own.
    const PATIENCE: Duration = Duration::from_secs(10);

    fn start(options: RunOptions) -> Result<Self> {
        let RunOptions {
            store,
            title,
            settings,
            mut problems,
            paths,
            first_step,
            first,
            filter,
            desk,
            journal,
            repositories,
            replays,
        } = options;
        let depth = Depth::detect(settings.colors, &ColorEnv::of_environment());
        let depth = if settings.low_bandwidth {
            depth.min(Depth::Ansi256)
        } else {
            depth
        };
        let themes = paths.themes();
        let state = paths.state.clone();
        let (keymap, key_problems) = Keymap::new(&settings.keys);
        problems.extend(key_problems);
        let store = Arc::new(store);
        let (sender, notices) = mpsc::unbounded_channel();
        let command = settings.clipboard_command.clone();
        let clipboard = ClipboardEnv::of_environment(settings.clipboard, command, state.clone());
        let env = Env {
            store: Arc::clone(&store),
            themes: themes.clone(),
            depth,
            clipboard,
            journal,
            judge: Arc::new(
                judge_of(&paths, &repositories).with_flags(Chosen::new(&settings.flags)),
            ),
            repositories,
            replays,
        };
        let tasks = Tasks::new(env, &sender);
        // while the terminal is asked for its colours, which takes as long as the way to it and back
        tasks.submit(Effect::Scan);
        let name = match &settings.theme {
            Some(name) => name.clone(),
            None => default_theme(&settings).to_owned(),
        };
        let theme = Theme::load(&name, depth, &themes)?;
        let mut data = Data::new(store, title, desk);
        data.is_following = settings.follow;
        let paint = Paint {
            theme,
            highlighter: None,
            is_warm: false,
            names: theme::names(&themes),
            before: None,
        };
        let habits = habits(&settings, keymap, (first_step, first));
        // before the terminal is taken: from then on every end has to give it back
        let signals = Signals::new()?;
        let screen = Screen::enter(settings.mouse)?;
        let (width, height) = screen.size()?;
        let mut app = App::new(data, paint, habits, Rect::new(0, 0, width, height));
        app.begin_with(filter);
        for problem in problems {
            // the channel is ours and open
            let _sent = sender.send(Notice::Say(Tone::Warning, problem.to_string()));
        }
        let is_following = settings.follow;
        Ok(Self {
            app,
            tasks,
            screen,
            settings,
            notices,
            sender,
            is_following,
            is_over: false,
            awaits_page: false,
            signals,
            state,
        })
    }

    async fn run(mut self) -> Result<()> {
        watch_for_hang_up(self.sender.clone());
        let mut keys = Some(Keys::listen());
        let ended = self.drive(&mut keys).await;
        // a person's decisions first, however the loop ended: the screen stays until they are on the disk
        let settled = self.settle(&mut keys).await;
        let unsaved = self.tasks.finish(Self::PATIENCE);
        let waiting = self.app.waiting_words();
        self.screen.leave();
        clipboard::close();
        rescue(&unsaved, &waiting, &self.state)?;
        ended.and(settled)
    }

    /// Takes events and draws until the end.
    async fn drive(&mut self, keys: &mut Option<Keys>) -> Result<()> {
        let mut effects = Vec::new();
        self.app.start(&mut effects);
        self.carry_out(effects, keys)?;
        self.wait_for_rows(keys).await?;
        let mut drawn = Instant::now();
        self.screen.draw(&self.app)?;
        let mut is_dirty = false;
        let mut chord_since: Option<Instant> = None;
        let mut followed = Instant::now();
        let mut touched = Instant::now();
        let mut rested: Option<Instant> = None;
        // nothing happened since
        let mut has_rested = false;
        while !self.is_over {
            let pace = self.pace(touched.elapsed());
            let frame_due = is_dirty.then(|| drawn + pace);
            let hint_due =
                chord_since.map(|since| since + Duration::from_millis(self.settings.hint_ms));
            let follow_due = self.is_following.then(|| followed + Self::FOLLOW);
            let rest_due = (!has_rested).then(|| {
                let paced = rested.map(|rested| rested + Self::REST_PACE);
                paced.into_iter().fold(touched + Self::REST, Instant::max)
            });
            let due = [frame_due, hint_due, follow_due, rest_due]
                .into_iter()
                .flatten()
                .min();
            let mut is_urgent = false;
            let mut effects = Vec::new();
            tokio::select! {
                biased;
                () = self.signals.end() => break,
                event = next_event(keys) => match event {
                    Some(Ok(event)) => {
                        (is_urgent, has_rested) = (true, false);
                        is_dirty |= self.terminal_event(event, &mut effects);
                    }
                    // the terminal is gone
                    Some(Err(_)) | None => break,
                },
                notice = self.notices.recv() => {
                    (is_dirty, has_rested) = (true, false);
                    self.notices_in(notice, &mut effects)?;
                }
                () = sleep_until(due) => {
                    let now = Instant::now();
                    if hint_due.is_some_and(|due| due <= now) {
                        self.app.show_hints();
                        chord_since = None;
                        (is_dirty, is_urgent) = (true, true);
                    }
                    if follow_due.is_some_and(|due| due <= now) {
                        followed = now;
                        self.tasks.submit(Effect::Refresh);
                    }
                    if rest_due.is_some_and(|due| due <= now) {
                        (rested, has_rested) = (Some(now), true);
                        self.tasks.submit(Effect::Rest);
                    }
                }
            }
            if is_urgent {
                touched = Instant::now();
                chord_since = self.app.is_chord_pending().then(Instant::now);
            }
            self.carry_out(effects, keys)?;
            if is_urgent && self.awaits_page {
                self.wait_for_page(keys).await?;
            }
            if is_dirty && (is_urgent || drawn.elapsed() >= pace) && !self.is_over {
                self.screen.draw(&self.app)?;
                drawn = Instant::now();
                is_dirty = false;
            }
        }
        Ok(())
    }

    /// How far apart frames are that no key asked for, so long after the last key.
    fn pace(&self, since_key: Duration) -> Duration {
        if self.settings.low_bandwidth {
            Self::SLOW_PACE
        } else if since_key < Self::LOOKING {
            Self::QUICK_PACE
        } else {
            Self::PACE
        }
    }

    /// Takes one event of the terminal; `false` when it changes nothing.
    fn terminal_event(&mut self, event: TerminalEvent, effects: &mut Vec<Effect>) -> bool {
        let event = match event {
            TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => Event::Key(key),
            TerminalEvent::Paste(text) => Event::Paste(text),
            TerminalEvent::Mouse(mouse) => Event::Mouse(mouse),
            TerminalEvent::Resize(width, height) => Event::Resize(width, height),
            _ => return false,
        };
        self.app.update(event, effects);
        true
    }

    /// Takes a notice and all others that are there, before one frame.
    fn notices_in(&mut self, first: Option<Notice>, effects: &mut Vec<Effect>) -> Result<()> {
        const AT_ONCE: usize = 256;
        let mut taken = Vec::new();
        let mut written = Ok(());
        let mut next = first;
        while let Some(notice) = next {
            match notice {
                // what else came is taken all the same where the terminal is gone
                Notice::Terminal(bytes) => written = written.and(self.screen.write_raw(&bytes)),
                notice => taken.push(notice),
            }
            if taken.len() >= AT_ONCE {
                break;
            }
            next = self.notices.try_recv().ok();
        }
        self.app.take(taken, effects);
        written
    }

    /// Lets decisions that wait for a record's content come to where they are written down.
    async fn settle(&mut self, keys: &mut Option<Keys>) -> Result<()> {
        let until = tokio::time::Instant::now() + Self::PATIENCE;
        let mut result = Ok(());
        while !self.app.is_settled() {
            let Ok(notice) = tokio::time::timeout_at(until, self.notices.recv()).await else {
                break;
            };
            let mut effects = Vec::new();
            // a terminal that is gone must not keep decisions from the disk
            let shown = self.notices_in(notice, &mut effects);
            result = result.and(shown).and(self.carry_out(effects, keys));
        }
        result
    }

    /// Lets the first rows come before the first frame is drawn, as long as that is not felt.
    async fn wait_for_rows(&mut self, keys: &mut Option<Keys>) -> Result<()> {
        let until = tokio::time::Instant::now() + Self::ROWS_WAIT;
        while !self.app.is_full() && !self.is_over {
            let Ok(notice) = tokio::time::timeout_at(until, self.notices.recv()).await else {
                break;
            };
            let mut effects = Vec::new();
            self.notices_in(notice, &mut effects)?;
            self.carry_out(effects, keys)?;
        }
        Ok(())
    }

    /// Lets the page that a key asked for come before the frame is drawn, as long as that is not felt.
    async fn wait_for_page(&mut self, keys: &mut Option<Keys>) -> Result<()> {
        let patience = if self.settings.low_bandwidth {
            Self::SLOW_PAGE_WAIT
        } else {
            Self::PAGE_WAIT
        };
        let until = tokio::time::Instant::now() + patience;
        while self.awaits_page {
            let Ok(notice) = tokio::time::timeout_at(until, self.notices.recv()).await else {
                break;
            };
            let mut effects = Vec::new();
            let is_page = matches!(notice, Some(Notice::Page(..) | Notice::Patch(..)));
            self.notices_in(notice, &mut effects)?;
            self.carry_out(effects, keys)?;
            if is_page {
                break;
            }
        }
        self.awaits_page = false;
        Ok(())
    }

    fn carry_out(&mut self, effects: Vec<Effect>, keys: &mut Option<Keys>) -> Result<()> {
        for effect in effects {
            match effect {
                Effect::Quit => self.is_over = true,
                Effect::Redraw => self.screen.clear(),
                Effect::Mouse(is_on) => self.screen.set_mouse(is_on)?,
                Effect::Follow(is_on) => self.is_following = is_on,
                Effect::Suspend => self.suspend(keys)?,
                Effect::External(text, is_editor) => self.external(&text, is_editor, keys)?,
                effect => {
                    self.awaits_page |= matches!(
                        effect,
                        Effect::Pages(_) | Effect::Open(..) | Effect::Patch(_)
                    );
                    self.tasks.submit(effect);
                }
            }
        }
        Ok(())
    }

    /// Gives the terminal back and stops, as Ctrl-Z does; goes on when the shell says so.
    fn suspend(&mut self, keys: &mut Option<Keys>) -> Result<()> {
        // what fails stays with the recorder and on the screen: it is tried again after we come back
        let _unsaved = self.tasks.finish(Self::PATIENCE);
        stop_keys(keys);
        self.screen.leave();
        let _stopped =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP);
        self.come_back(keys)
    }

    fn come_back(&mut self, keys: &mut Option<Keys>) -> Result<()> {
        self.screen.take()?;
        *keys = Some(Keys::listen());
        let (width, height) = self.screen.size()?;
        let mut effects = Vec::new();
        self.app.update(Event::Resize(width, height), &mut effects);
        for effect in effects {
            self.tasks.submit(effect);
        }
        self.screen.draw(&self.app)
    }

    /// Shows a text in the user's editor or pager and comes back.
    fn external(&mut self, text: &str, is_editor: bool, keys: &mut Option<Keys>) -> Result<()> {
        let command = if is_editor {
            editor(&self.settings)
        } else {
            pager(&self.settings)
        };
        let file = tempfile::Builder::new()
            .prefix("hgview-")
            .suffix(".md")
            .tempfile();
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file));
        let outcome = match written {
            Ok(file) => {
                stop_keys(keys);
                self.screen.leave();
                let mut child = Command::new("/bin/sh");
                child.args(["-c", &format!("{command} \"$1\""), "hgview"]);
                child.arg(file.path());
                // our own standard input may be the data
                if let Ok(terminal) = File::open("/dev/tty") {
                    child.stdin(terminal);
                }
                let status = child.status();
                self.signals.overhear_interrupts();
                self.come_back(keys)?;
                match status {
                    Ok(status) if status.success() => None,
                    Ok(status) => Some(format!("`{command}` ended with {status}")),
                    Err(err) => Some(format!("`{command}` did not start: {err}")),
                }
            }
            Err(err) => Some(format!("no temporary file for `{command}`: {err}")),
        };
        if let Some(what) = outcome {
            let _sent = self.sender.send(Notice::Say(Tone::Error, what));
        }
        Ok(())
    }
}

/// Writes decisions that the journal did not take to a file of their own, and says so: this is an error, but nothing is
/// lost.
fn rescue(unsaved: &[Line], waiting: &[String], state: &Path) -> Result<()> {
    if !waiting.is_empty() {
        let count = waiting.len();
        let what = waiting.join(", ");
        // what was made is rescued all the same, and told by its own error
        rescue(unsaved, &[], state)?;
        return Err(Error::input(format!(
            "{count} decisions were not made, because their records could not be read: {}",
            clean_line(&what)
        )));
    }
    if unsaved.is_empty() {
        return Ok(());
    }
    let text: String = unsaved.iter().map(Line::to_json).collect();
    let write = || {
        std::fs::create_dir_all(state)?;
        let file = tempfile::Builder::new()
            .prefix("decisions.rescued.")
            .suffix(".jsonl")
            .tempfile_in(state)?;
        let (mut file, path) = file.keep()?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok::<PathBuf, std::io::Error>(path)
    };
    let count = unsaved.len();
    match write() {
        Ok(path) => Err(Error::input(format!(
            "{count} decisions could not be saved where they belong; they are in {}",
            path.display()
        ))
        .hint("append that file to the journal when it can be written again: cat rescued >> decisions.NAME.jsonl")),
        Err(err) => Err(Error::input(format!(
            "{count} decisions could not be saved anywhere; they are:\n{text}"
        ))
        .caused_by(err)),
    }
}

/// How things are shown at first.
fn look(settings: &Settings) -> Look {
    Look {
        is_wrapped: settings.wrap,
        diff: match settings.diff {
            DiffChoice::Auto => DiffLayout::Auto,
            DiffChoice::Unified => DiffLayout::Unified,
            DiffChoice::Split => DiffLayout::SideBySide,
        },
        tab_cells: settings.tab_cells,
        fold_lines: settings.fold_lines,
    }
}

fn default_theme(settings: &Settings) -> &'static str {
    use crate::config::Background;
    let is_dark = match settings.background {
        Background::Dark => Some(true),
        Background::Light => Some(false),
        Background::Auto => theme::detect_background(),
    };
    Theme::default_name(is_dark)
}

fn editor(settings: &Settings) -> String {
    let variables = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    settings
        .editor
        .clone()
        .or(variables)
        .unwrap_or_else(|| "vi".to_owned())
}

fn pager(settings: &Settings) -> String {
    let variable = std::env::var("PAGER").ok().filter(|v| !v.is_empty());
    settings
        .pager
        .clone()
        .or(variable)
        .unwrap_or_else(|| "less".to_owned())
}

fn stop_keys(keys: &mut Option<Keys>) {
    if let Some(keys) = keys.take() {
        keys.stop();
    }
}

async fn next_event(keys: &mut Option<Keys>) -> Option<std::io::Result<TerminalEvent>> {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// The signals that end the program.
struct Signals {
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
    /// Interrupts before this moment were meant for a program that had the terminal.
    deaf_until: Option<Instant>,
}

impl Signals {
    /// How long an interrupt may take to be heard.
    const ECHO: Duration = Duration::from_millis(300);

    fn new() -> Result<Self> {
        let on = |kind| {
            signal(kind).map_err(|err| Error::internal("cannot listen for signals").caused_by(err))
        };
        Ok(Self {
            hang_up: on(SignalKind::hangup())?,
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            deaf_until: None,
        })
    }

    /// Another program had the terminal: a Ctrl-C typed at it reached us as well, and is heard only now.
    fn overhear_interrupts(&mut self) {
        self.deaf_until = Some(Instant::now() + Self::ECHO);
    }

    /// Waits for a signal that ends the program.
    async fn end(&mut self) {
        loop {
            tokio::select! {
                _ = self.hang_up.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => {
                    if self.deaf_until.is_none_or(|until| until < Instant::now()) {
                        return;
                    }
                }
            }
        }
    }
}

/// With SIGHUP ignored (nohup, sudo) a closed terminal shows only here: reading from it would spin for ever.
fn watch_for_hang_up(sender: UnboundedSender<Notice>) {
    std::thread::spawn(move || {
        let Ok(terminal) = std::fs::File::open(PathBuf::from("/dev/tty")) else {
            return;
        };
        let mut polled = [PollFd::new(&terminal, PollFlags::empty())];
        loop {
            match rustix::event::poll(&mut polled, None) {
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
                Ok(_) => {
                    let _sent = sender.send(Notice::HangUp);
                    return;
                }
            }
        }
    });
}
