//! The program in memory: `App` with its effects carried out inline until none is left, so that nothing sleeps.
//!
//! Keys are typed as scripts (`jj<enter>/fail<enter>`), the screen is read as text and as a grid of role letters.
//! What belongs to a terminal (copies, editor, mouse, end) is recorded instead of done.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;

use hgview::cancel::Cancel;
use hgview::config::ClipboardChoice;
use hgview::config::ReviewSettings;
use hgview::diff::DiffTag;
use hgview::model::Fault;
use hgview::model::LineNo;
use hgview::model::RecordIx;
use hgview::model::Trajectory;
use hgview::model::Verdict;
use hgview::patch::parse_patch;
use hgview::replay::BaseSources;
use hgview::replay::Options;
use hgview::replay::Stage;
use hgview::sandbox::Backends;
use hgview::sandbox::Choice;
use hgview::sandbox::Limits;
use hgview::store::Head;
use hgview::store::OpenOptions;
use hgview::store::Store;
use hgview::theme;
use hgview::theme::Depth;
use hgview::theme::Highlighter;
use hgview::theme::Role;
use hgview::theme::Theme;
use hgview::ui::app::App;
use hgview::ui::app::Habits;
use hgview::ui::app::Paint;
use hgview::ui::clipboard::ClipboardEnv;
use hgview::ui::data::Data;
use hgview::ui::data::desk::DeskOptions;
use hgview::ui::effect::Effect;
use hgview::ui::effect::PageUse;
use hgview::ui::event::Event;
use hgview::ui::event::Notice;
use hgview::ui::event::Tone;
use hgview::ui::judge;
use hgview::ui::judge::Check;
use hgview::ui::judge::Judge;
use hgview::ui::keymap::Keymap;
use hgview::ui::page::DiffLayout;
use hgview::ui::page::Page;
use hgview::ui::tasks;
use hgview::ui::tasks::Env;
use hgview::ui::tasks::Journal;
use hgview::ui::view::Look;
use hgview::verify::Evidence;
use hgview::verify::Judgement;
use hgview::verify::Sense;
use hgview::verify::cache::Cache;
use hgview::verify::check::Checked;
use hgview::verify::replays::Replays;
use hgview::workspace::repositories::Repositories;
use ratatui::buffer::Buffer;
use ratatui::buffer::Cell;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::crossterm::event::MouseButton;
use ratatui::crossterm::event::MouseEvent;
use ratatui::crossterm::event::MouseEventKind;
use ratatui::layout::Position;
use ratatui::layout::Rect;
use ratatui::style::Color;

use crate::bench::Bench;

/// Judges as the screens' tests need it, whatever the strict rules learn: the published rules as they are; as strict
/// ones their hits and misses, and an objection to each removed line.
fn check(
    head: &Head,
    whole: &dyn Fn() -> Result<Arc<Trajectory>, Fault>,
    cache: Option<&Cache>,
    repositories: &Repositories,
    cancel: &Cancel,
) -> Checked {
    let checked = judge::check(head, whole, cache, repositories, cancel);
    let published = &checked.published;
    let told = published.evidence.iter();
    let mut evidence: Vec<Evidence> = told
        .filter(|evidence| matches!(evidence.sense, Sense::Hit | Sense::Missed))
        .cloned()
        .collect();
    let patch = head.trajectory.final_patch.as_deref().unwrap_or_default();
    for file in parse_patch(patch) {
        for (hunk, heading) in file.hunks.iter().zip(&file.hunk_lines) {
            for (nth, line) in hunk.lines.iter().enumerate() {
                if line.tag == DiffTag::Removed {
                    evidence.push(Evidence {
                        sense: Sense::Objection,
                        path: Some(file.path().to_owned()),
                        line: line.old_no.map(LineNo),
                        patch_line: Some(LineNo(heading + nth + 2)),
                        why: "code was removed".to_owned(),
                    });
                }
            }
        }
    }
    let is_good = evidence.iter().all(|evidence| evidence.sense == Sense::Hit);
    let strict = if head.trajectory.task.is_some() {
        Judgement {
            verdict: Verdict::of(is_good && !evidence.is_empty()),
            checks: vec![("documentation_only", is_good.into())],
            evidence,
        }
    } else {
        Judgement::unjudged("its task is not known")
    };
    Checked { strict, ..checked }
}

/// Who decides.
const REVIEWER: &str = "ada";

fn desk_options() -> DeskOptions {
    DeskOptions {
        reviewer: REVIEWER.to_owned(),
        reasons: ReviewSettings::default().reasons,
        ..DeskOptions::default()
    }
}

fn habits(first_step: Option<usize>) -> Habits {
    Habits {
        keymap: Keymap::default(),
        look: Look {
            is_wrapped: true,
            diff: DiffLayout::Auto,
            tab_cells: 8,
            fold_lines: 60,
        },
        has_mouse: true,
        has_preview: true,
        export: Vec::new(),
        stats_by: Vec::new(),
        history: Vec::new(),
        first_step,
        first: None,
    }
}

/// The inputs as the explorer opens them.
fn opened<P: AsRef<Path>>(paths: &[P], waits: bool) -> Store {
    let store = Store::open(&OpenOptions {
        paths: paths.iter().map(|p| p.as_ref().to_path_buf()).collect(),
        lists_tasks: true,
        waits,
        ..OpenOptions::default()
    });
    store.unwrap()
}

/// Effects that one event may lead to; more are a loop.
const SETTLES: usize = 2_000;

/// What journals were used for.
#[derive(Debug, Default)]
pub(crate) struct JournalUse {
    /// Times all of them were read.
    pub(crate) reads: usize,
    /// Appends to that of the reviewer.
    pub(crate) appends: usize,
}

/// The program under test.
pub(crate) struct Driver {
    app: App,
    env: Env,
    theme: Theme,
    screen: Rect,
    folder: tempfile::TempDir,
    /// Texts that were copied, with what they are.
    pub(crate) copied: Vec<(String, &'static str)>,
    /// Texts for the editor (`true`) or pager.
    pub(crate) external: Vec<(String, bool)>,
    /// Messages.
    pub(crate) said: Vec<(Tone, String)>,
    /// Effects that only a terminal can carry out.
    pub(crate) asked: Vec<&'static str>,
    /// How often code colours were to be got ready.
    pub(crate) warmed: usize,
    /// Stretches of code that were coloured.
    pub(crate) inks: usize,
    /// Pages that were built.
    pub(crate) pages: usize,
    /// Rows of the list that were asked for.
    pub(crate) summaries: usize,
    /// What the journals were used for.
    pub(crate) journals: JournalUse,
    /// The program ended.
    pub(crate) is_over: bool,
    /// What replays.
    pub(crate) bench: Bench,
    /// Exports that take their time; `None` where they are carried out at once.
    held: Option<Vec<Effect>>,
    /// Journals whose reading takes its time, likewise.
    unread: Option<Vec<Effect>>,
}

impl Driver {
    /// Opens inputs, paths from the root of the project, on a screen of this size in the dark theme.
    pub(crate) fn open<P: AsRef<Path>>(paths: &[P], size: (u16, u16)) -> Self {
        Self::with(paths, size, ("dark", None), None, check)
    }

    /// Opens inputs whose decisions lie in this folder.
    pub(crate) fn reviewing<P: AsRef<Path>>(paths: &[P], size: (u16, u16), reviews: &Path) -> Self {
        Self::with(paths, size, ("dark", Some(reviews)), None, check)
    }

    /// Opens inputs whose decisions lie in this folder, and take their time to be read.
    pub(crate) fn before_journals<P: AsRef<Path>>(
        paths: &[P],
        size: (u16, u16),
        reviews: &Path,
    ) -> Self {
        let mut driver = Self::made(paths, size, ("dark", Some(reviews)), None, check);
        driver.unread = Some(Vec::new());
        driver.start();
        driver
    }

    /// The journals that took their time are read.
    pub(crate) fn read_journals(&mut self) {
        let unread = self.unread.take().unwrap_or_default();
        self.settle(unread);
    }

    /// Opens inputs in a theme in which each role has a colour of its own, for [`Driver::roles`].
    pub(crate) fn lettered<P: AsRef<Path>>(paths: &[P], size: (u16, u16)) -> Self {
        Self::with(paths, size, (LETTERS, None), None, check)
    }

    /// Opens the single record of the inputs at a step (from 0).
    pub(crate) fn at_step<P: AsRef<Path>>(paths: &[P], size: (u16, u16), step: usize) -> Self {
        Self::with(paths, size, ("dark", None), Some(step), check)
    }

    /// Opens inputs with the filters that the program has.
    pub(crate) fn judged<P: AsRef<Path>>(paths: &[P], size: (u16, u16)) -> Self {
        Self::with(paths, size, ("dark", None), None, judge::check)
    }

    /// Opens inputs whose tasks have their repositories in this folder.
    pub(crate) fn with_repositories<P: AsRef<Path>>(
        paths: &[P],
        size: (u16, u16),
        repos: &Path,
    ) -> Self {
        let mut driver = Self::made(paths, size, ("dark", None), None, check);
        driver.env.repositories = Repositories::new(None, Some(repos.to_path_buf()));
        driver.start();
        driver
    }

    fn with<P: AsRef<Path>>(
        paths: &[P],
        size: (u16, u16),
        looks: (&str, Option<&Path>),
        first_step: Option<usize>,
        check: Check,
    ) -> Self {
        let mut driver = Self::made(paths, size, looks, first_step, check);
        driver.start();
        driver
    }

    fn start(&mut self) {
        let mut effects = vec![Effect::Scan];
        self.app.start(&mut effects);
        self.settle(effects);
    }

    /// Opens inputs, and waits for those that are not there yet.
    pub(crate) fn waiting<P: AsRef<Path>>(paths: &[P], size: (u16, u16)) -> Self {
        let mut driver = Self::of(
            opened(paths, true),
            paths,
            size,
            ("dark", None),
            None,
            check,
        );
        driver.start();
        driver
    }

    fn made<P: AsRef<Path>>(
        paths: &[P],
        size: (u16, u16),
        looks: (&str, Option<&Path>),
        first_step: Option<usize>,
        check: Check,
    ) -> Self {
        Self::of(opened(paths, false), paths, size, looks, first_step, check)
    }

    fn of<P: AsRef<Path>>(
        store: Store,
        paths: &[P],
        size: (u16, u16),
        (name, reviews): (&str, Option<&Path>),
        first_step: Option<usize>,
        check: Check,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let themes = folder.path().join("themes");
        std::fs::create_dir(&themes).unwrap();
        std::fs::write(themes.join(format!("{LETTERS}.toml")), letters_theme()).unwrap();
        let names: Vec<String> = paths
            .iter()
            .map(|path| path.as_ref().display().to_string())
            .collect();
        let store = Arc::new(store);
        let theme = Theme::load(name, Depth::True, &themes).unwrap();
        let data = Data::new(Arc::clone(&store), names.join(" "), desk_options());
        let paint = Paint {
            theme: theme.clone(),
            highlighter: None,
            is_warm: false,
            names: theme::names(&themes)
                .into_iter()
                .filter(|theme| theme.name != LETTERS)
                .collect(),
            before: None,
        };
        let chosen = reviews.map_or(folder.path().join("reviews"), Path::to_path_buf);
        let spare = folder.path().join("data");
        let inputs = paths.iter().map(|path| path.as_ref().to_path_buf());
        let journal = Journal::new(inputs.collect(), Some(chosen), spare, REVIEWER.to_owned());
        let env = Env {
            store,
            themes,
            depth: Depth::True,
            clipboard: ClipboardEnv {
                choice: ClipboardChoice::File,
                command: None,
                tmux: None,
                is_screen: false,
                has_display: false,
                state_dir: folder.path().join("state"),
            },
            judge: Arc::new(Judge::new(check, None)),
            journal,
            repositories: Repositories::default(),
            replays: Replays::new(Stage {
                backends: Arc::new(Backends::new(Choice::Auto, "/proc/self/exe")),
                sources: BaseSources::default(),
                preparations: Arc::default(),
                limits: Limits::default(),
                options: Options::default(),
            }),
        };
        let screen = Rect::new(0, 0, size.0, size.1);
        Self {
            app: App::new(data, paint, habits(first_step), screen),
            env,
            theme,
            screen,
            folder,
            copied: Vec::new(),
            external: Vec::new(),
            said: Vec::new(),
            asked: Vec::new(),
            warmed: 0,
            inks: 0,
            pages: 0,
            summaries: 0,
            journals: JournalUse::default(),
            is_over: false,
            bench: Bench::default(),
            held: None,
            unread: None,
        }
    }

    /// The file to which copies go.
    pub(crate) fn copies(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Types a script: letters are keys, `<enter>`, `<C-d>`, `<lt>` and the like are others.
    pub(crate) fn keys(&mut self, script: &str) -> &mut Self {
        for key in parse(script) {
            self.key(key);
        }
        self
    }

    /// One key.
    pub(crate) fn key(&mut self, key: KeyEvent) {
        self.event(Event::Key(key));
    }

    /// Anything that happens.
    pub(crate) fn event(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.app.update(event, &mut effects);
        self.settle(effects);
    }

    /// A left click.
    pub(crate) fn click(&mut self, column: u16, row: u16) -> &mut Self {
        self.mouse(MouseEventKind::Down(MouseButton::Left), column, row)
    }

    /// The mouse.
    pub(crate) fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) -> &mut Self {
        self.event(Event::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }));
        self
    }

    /// Another size of the screen.
    pub(crate) fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.screen = Rect::new(0, 0, width, height);
        self.event(Event::Resize(width, height));
        self
    }

    /// Shows what may follow a chord, as the clock would.
    pub(crate) fn wait_for_hints(&mut self) -> &mut Self {
        self.app.show_hints();
        self
    }

    /// From now on exports take their time.
    pub(crate) fn hold_exports(&mut self) {
        self.held = Some(Vec::new());
    }

    /// Exports that took their time are carried out.
    pub(crate) fn release_exports(&mut self) {
        let held = self.held.take().unwrap_or_default();
        self.settle(held);
    }

    /// Looks for records whose steps show flags, as the background does when it has nothing else to do.
    pub(crate) fn find_flags(&mut self) {
        let env = &self.env;
        let flagged = |ix| env.judge.flagged(&env.store, ix, &Cancel::new());
        let all = (0..env.store.len()).map(RecordIx);
        let marks = all.filter_map(flagged).collect();
        let mut effects = Vec::new();
        self.app.take(vec![Notice::Marks(0, marks)], &mut effects);
        self.settle(effects);
    }

    /// New records are looked for, as the clock has it while following.
    pub(crate) fn follow(&mut self) {
        self.settle(vec![Effect::Refresh]);
    }

    /// Takes a key without carrying out what it leads to, and then without the rest: what a program that is killed did.
    pub(crate) fn key_alone(&mut self, script: &str) -> usize {
        let mut lines = 0;
        for key in parse(script) {
            let mut effects = Vec::new();
            self.app.update(Event::Key(key), &mut effects);
            for effect in effects {
                if let Effect::Record(batch) = effect {
                    lines += batch.len();
                }
            }
        }
        lines
    }

    /// Carries out effects, and those that they lead to, until there are none.
    fn settle(&mut self, effects: Vec<Effect>) {
        let mut queue = VecDeque::from(effects);
        let mut done = 0;
        while let Some(effect) = queue.pop_front() {
            done += 1;
            assert!(done < SETTLES, "no end of effects; the last: {effect:?}");
            if let (Some(held), Effect::Export(_)) = (&mut self.held, &effect) {
                held.push(effect);
                continue;
            }
            if let (Some(unread), Effect::OpenDesk(_)) = (&mut self.unread, &effect) {
                unread.push(effect);
                continue;
            }
            // it takes seconds, and tells nothing
            if matches!(effect, Effect::WarmColours(_)) {
                self.warmed += 1;
                continue;
            }
            let notices = self.carry_out(effect);
            if !notices.is_empty() {
                let mut more = Vec::new();
                self.app.take(notices, &mut more);
                queue.extend(more);
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Vec<Notice> {
        let mut notices = Vec::new();
        match &effect {
            Effect::Quit => self.is_over = true,
            Effect::Suspend => self.asked.push("suspend"),
            Effect::Redraw => self.asked.push("redraw"),
            Effect::Mouse(is_on) => self.asked.push(if *is_on { "mouse" } else { "no mouse" }),
            Effect::Follow(is_on) => self.asked.push(if *is_on { "follow" } else { "no follow" }),
            Effect::External(text, is_editor) => self.external.push((text.clone(), *is_editor)),
            Effect::Copy(text, what) => self.copied.push((text.clone(), what)),
            Effect::CopyName(ix, is_reference) => {
                let name = tasks::name_of(*ix, *is_reference, &self.env);
                let what = if *is_reference { "reference" } else { "id" };
                self.copied.push((name, what));
            }
            Effect::PageText(job, PageUse::Copy) => {
                let page = Page::telling(
                    &job.trajectory,
                    &job.path,
                    job.subject,
                    &job.told,
                    &job.options,
                );
                self.copied.push((page.text(), "step"));
            }
            Effect::Replay(generation, ask) => {
                let news = self.bench.answer(ask.clone(), &self.env.store);
                let said = news
                    .into_iter()
                    .map(|news| Notice::Replay(*generation, news));
                notices.extend(said);
                return notices;
            }
            Effect::StopReplay => self.asked.push("stop replay"),
            // it needs a sandbox
            Effect::RunCheck(..) => {
                self.asked.push("check");
                return notices;
            }
            Effect::StopCheck => self.asked.push("stop check"),
            Effect::Summarize(range, _) => self.summaries += range.len(),
            Effect::LoadTheme(name) => {
                notices.push(self.load_theme(name));
                return notices;
            }
            _ => {}
        }
        tasks::perform(effect, &self.env, &Cancel::new(), &mut |notice| {
            notices.push(notice);
        });
        let mut summaries = Vec::new();
        for notice in &notices {
            match notice {
                Notice::Say(tone, text) => self.said.push((*tone, text.clone())),
                Notice::Inked(..) | Notice::PreviewInked(..) => self.inks += 1,
                Notice::Page(..) => self.pages += 1,
                Notice::DeskOpened(_) => self.journals.reads += 1,
                Notice::Saved(_) => self.journals.appends += 1,
                // what the summariser does in the background
                Notice::Scanned {
                    is_complete: true,
                    records,
                    ..
                } => summaries = (0..*records).map(RecordIx).collect(),
                Notice::Relabelled => summaries = (0..self.env.store.len()).map(RecordIx).collect(),
                Notice::Refreshed(refresh) => {
                    let len = self.env.store.len();
                    summaries.clone_from(&refresh.changed);
                    summaries.extend((len - refresh.appended..len).map(RecordIx));
                }
                _ => {}
            }
        }
        if !summaries.is_empty() {
            let rows = summaries
                .into_iter()
                .map(|ix| (ix, self.env.store.summarize(ix)))
                .collect();
            notices.push(Notice::Summaries(rows));
        }
        notices
    }

    /// Themes are expensive to make: each is made once for all tests.
    fn load_theme(&mut self, name: &str) -> Notice {
        static MADE: OnceLock<Mutex<BTreeMap<String, Arc<Highlighter>>>> = OnceLock::new();
        let theme = match Theme::load(name, Depth::True, &self.env.themes) {
            Ok(theme) => theme,
            Err(err) => return Notice::Say(Tone::Error, err.to_string()),
        };
        let mut made = MADE.get_or_init(Mutex::default).lock().unwrap();
        let highlighter = made
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Highlighter::new(&theme)));
        self.theme = theme.clone();
        Notice::Theme(Box::new(theme), Arc::clone(highlighter))
    }

    /// The theme in use, by name.
    pub(crate) fn theme(&self) -> &str {
        self.theme.name()
    }

    /// A frame, and where the terminal's cursor is.
    pub(crate) fn frame(&self) -> (Buffer, Option<Position>) {
        let mut buf = Buffer::empty(self.screen);
        let cursor = self.app.draw(&mut buf);
        (buf, cursor)
    }

    /// The screen as text, without blanks at the ends of lines.
    pub(crate) fn text(&self) -> String {
        let (buf, _) = self.frame();
        grid(&buf, |cell| cell.symbol().to_owned())
    }

    /// A line of the screen.
    pub(crate) fn line(&self, row: usize) -> String {
        let text = self.text();
        text.lines().nth(row).unwrap_or_default().to_owned()
    }

    /// The last line of the screen.
    pub(crate) fn status(&self) -> String {
        self.line(usize::from(self.screen.height.saturating_sub(1)))
    }

    /// The row of the screen that has the cursor of the pane with the keys, or of the step list.
    pub(crate) fn cursor_row(&self) -> String {
        let (buf, _) = self.frame();
        let is_cursor = |cell: &Cell| {
            [Role::Cursor, Role::CursorUnfocused]
                .iter()
                .any(|role| self.theme.style(*role).bg == Some(cell.bg))
        };
        let row = (0..self.screen.height)
            .find(|y| buf.cell((1, *y)).is_some_and(is_cursor))
            .unwrap_or_else(|| panic!("no cursor in\n{}", self.text()));
        let cells = (0..self.screen.width).filter_map(|x| buf.cell((x, row)));
        let row: String = cells
            .take_while(|cell| is_cursor(cell))
            .map(Cell::symbol)
            .collect();
        row.trim().to_owned()
    }

    /// What of the screen has a role, line by line; one blank between what stands apart.
    pub(crate) fn with_role(&self, role: Role) -> Vec<String> {
        let (buf, _) = self.frame();
        let wanted = letter(role);
        let mut found = Vec::new();
        for y in 0..self.screen.height {
            let mut run = String::new();
            for x in 0..self.screen.width {
                let Some(cell) = buf.cell((x, y)) else {
                    continue;
                };
                if self.role_letter(cell) == wanted {
                    run.push_str(cell.symbol());
                } else if !run.is_empty() {
                    found.push(std::mem::take(&mut run));
                }
            }
            if !run.is_empty() {
                found.push(run);
            }
        }
        found
    }

    /// The screen as letters of roles, with a legend.
    pub(crate) fn roles(&self) -> String {
        let (buf, _) = self.frame();
        let grid = grid(&buf, |cell| self.role_letter(cell).to_string());
        let legend: Vec<String> = Role::ALL
            .into_iter()
            .filter(|role| grid.contains(letter(*role)))
            .map(|role| format!("{} {}", letter(role), role.name()))
            .collect();
        format!("{grid}\n\n{}", legend.join("  "))
    }

    fn role_letter(&self, cell: &Cell) -> char {
        const GROUNDS: [Role; 10] = [
            Role::HitCurrent,
            Role::Hit,
            Role::DiffAddWord,
            Role::DiffDelWord,
            Role::DiffAdd,
            Role::DiffDel,
            Role::Cursor,
            Role::CursorUnfocused,
            Role::Status,
            Role::Overlay,
        ];
        let ground = GROUNDS
            .into_iter()
            .find(|role| self.theme.style(*role).bg == Some(cell.bg));
        let has_color = |role: &Role| self.theme.style(*role).fg == Some(cell.fg);
        let role = Role::ALL.into_iter().find(has_color);
        let is_quiet = matches!(role, Some(Role::Text | Role::Dim));
        match (ground, role) {
            (Some(ground), _) if !is_plain(ground) => letter(ground),
            (Some(ground), _) if is_quiet || cell.symbol() == " " => letter(ground),
            (None, _) if cell.symbol() == " " => ' ',
            (_, Some(role)) => letter(role),
            (_, None) => match cell.fg {
                Color::Red | Color::LightRed => '1',
                Color::Green | Color::LightGreen => '2',
                Color::Yellow | Color::LightYellow => '3',
                Color::Blue | Color::LightBlue => '4',
                Color::Magenta | Color::LightMagenta => '5',
                Color::Cyan | Color::LightCyan => '6',
                Color::Gray | Color::White => '7',
                Color::Reset => '=',
                _ => '*',
            },
        }
    }
}

/// Grounds that say less than what stands on them.
fn is_plain(ground: Role) -> bool {
    matches!(
        ground,
        Role::Cursor | Role::CursorUnfocused | Role::Status | Role::Overlay
    )
}

fn grid(buf: &Buffer, show: impl Fn(&Cell) -> String) -> String {
    let mut lines = Vec::new();
    for y in buf.area.y..buf.area.bottom() {
        let mut line = String::new();
        let mut skip = 0;
        for x in buf.area.x..buf.area.right() {
            let Some(cell) = buf.cell((x, y)) else {
                continue;
            };
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let shown = show(cell);
            skip = hgview::text::width(&shown).saturating_sub(1);
            line.push_str(&shown);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// The name of the theme in which each role has a colour of its own.
const LETTERS: &str = "letters";

fn letters_theme() -> String {
    let mut text = String::from(
        "doc = \"each role its own colour\"\ndark = true\nsyntax = \"OneHalfDark\"\n[roles]\n",
    );
    for (ix, role) in Role::ALL.into_iter().enumerate() {
        let fg = format!("#{:02x}0102", 255 - ix);
        let bg = format!("#01{:02x}02", 255 - ix);
        let look = match role {
            Role::Cursor | Role::CursorUnfocused | Role::DiffAdd | Role::DiffDel => {
                format!("on {bg}")
            }
            Role::Hit
            | Role::HitCurrent
            | Role::Status
            | Role::Overlay
            | Role::DiffAddWord
            | Role::DiffDelWord => format!("{fg} on {bg}"),
            _ => fg,
        };
        writeln!(text, "{} = \"{look}\"", role.name()).unwrap();
    }
    text
}

/// The letter of a role.
pub(crate) fn letter(role: Role) -> char {
    const LETTERS: &str = ".,sT|I>)mhH_MktSEWio$ve?~Fp@DOYUc+-AR#0fgx`lqbPXZz!L";
    LETTERS.chars().nth(role as usize).unwrap()
}

/// The keys of a script.
fn parse(script: &str) -> Vec<KeyEvent> {
    let mut keys = Vec::new();
    let mut rest = script;
    while let Some(first) = rest.chars().next() {
        let named = rest
            .strip_prefix('<')
            .and_then(|rest| rest.split_once('>'))
            .and_then(|(name, after)| Some((named(name)?, after)));
        if let Some((key, after)) = named {
            keys.push(key);
            rest = after;
        } else {
            keys.push(KeyEvent::new(KeyCode::Char(first), KeyModifiers::NONE));
            rest = rest.strip_prefix(first).unwrap_or_default();
        }
    }
    keys
}

fn named(name: &str) -> Option<KeyEvent> {
    let plain = |code| Some(KeyEvent::new(code, KeyModifiers::NONE));
    if let Some(letter) = name.strip_prefix("C-") {
        let code = KeyCode::Char(letter.chars().next()?);
        return Some(KeyEvent::new(code, KeyModifiers::CONTROL));
    }
    match name {
        "enter" => plain(KeyCode::Enter),
        "esc" => plain(KeyCode::Esc),
        "tab" => plain(KeyCode::Tab),
        "bs" => plain(KeyCode::Backspace),
        "up" => plain(KeyCode::Up),
        "down" => plain(KeyCode::Down),
        "left" => plain(KeyCode::Left),
        "right" => plain(KeyCode::Right),
        "pgdn" => plain(KeyCode::PageDown),
        "pgup" => plain(KeyCode::PageUp),
        "lt" => plain(KeyCode::Char('<')),
        _ => None,
    }
}
