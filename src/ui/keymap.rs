//! Keys to actions: a trie of chords per scope, counts, and the user's own keys.
//!
//! Knows no clock and no screen: the app decides when a pending chord deserves a hint box. Keys are normalised, so
//! that `G`, `shift-g` and what any terminal sends for them are one key.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crokey::KeyCombination;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;

use crate::config::KeyRow;
use crate::config::Problem;
use crate::ui::action::Action;
use crate::ui::command::COMMANDS;
use crate::ui::command::Command;
use crate::ui::command::Scope;
use crate::ui::command::command;

/// The largest count that can be typed.
const COUNT_MAX: usize = 9_999_999;

/// What a key led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing to do: a chord or a count has begun, or Esc ended one.
    Pending,
    /// A whole chord.
    Matched {
        /// What the user means.
        action: Action,
        /// The count typed before it, at least 1.
        count: Option<usize>,
    },
    /// No command has this chord here; the chord as text. It is forgotten.
    Unbound(String),
}

/// A key that may follow, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The key as text.
    pub key: String,
    /// The command's doc; for a longer chord the docs' number.
    pub doc: String,
}

/// One place in a trie: chords that end here and keys that may follow.
#[derive(Debug, Clone, Default)]
struct Node {
    command: Option<&'static Command>,
    next: Vec<(KeyCombination, Self)>,
}

impl Node {
    fn find(&self, keys: &[KeyCombination]) -> Option<&Self> {
        keys.iter().try_fold(self, |node, key| {
            node.next
                .iter()
                .find(|(have, _)| have == key)
                .map(|(_, node)| node)
        })
    }

    fn insert(&mut self, keys: &[KeyCombination], command: &'static Command) {
        let Some((first, rest)) = keys.split_first() else {
            self.command = Some(command);
            return;
        };
        if let Some((_, node)) = self.next.iter_mut().find(|(have, _)| have == first) {
            node.insert(rest, command);
        } else {
            let mut node = Self::default();
            node.insert(rest, command);
            self.next.push((*first, node));
        }
    }
}

/// A chord bound in one scope.
#[derive(Debug, Clone)]
struct Binding {
    keys: Vec<KeyCombination>,
    command: &'static Command,
    /// The user's row; `None` for a default.
    line: Option<usize>,
}

/// All keys, and the chord and count that are being typed.
#[derive(Debug, Clone)]
pub struct Keymap {
    /// By [`Scope::ALL`]; what works everywhere is in each.
    tries: [Node; Scope::COUNT],
    bindings: [Vec<Binding>; Scope::COUNT],
    pending: Vec<KeyCombination>,
    count: Option<usize>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(&[]).0
    }
}

impl Keymap {
    /// Lays the user's rows over the defaults. A row that cannot be used is left out and reported; a row that hides
    /// others is used and reported.
    pub fn new(rows: &[KeyRow]) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let user: Vec<UserRow> = rows
            .iter()
            .filter_map(|row| match UserRow::parse(row) {
                Ok(user) => Some(user),
                Err(what) => {
                    problems.push(problem(row, what));
                    None
                }
            })
            .collect();
        let bindings = Scope::ALL.map(|scope| bindings_of(scope, &user, &mut problems));
        // what is wrong on several screens is said once
        let mut said = BTreeSet::new();
        problems.retain(|problem: &Problem| said.insert(problem.to_string()));
        problems.sort_by_key(|problem| problem.line);
        let tries = std::array::from_fn(|ix| trie(&bindings, ix));
        let keymap = Self {
            tries,
            bindings,
            pending: Vec::new(),
            count: None,
        };
        (keymap, problems)
    }

    /// Takes one key on a screen of this scope.
    pub fn push(&mut self, scope: Scope, key: KeyEvent) -> Found {
        let key = normalise(key);
        let is_esc = key.codes == KeyCode::Esc.into() && key.modifiers.is_empty();
        if is_esc && self.is_pending() {
            self.cancel();
            return Found::Pending;
        }
        if let Some(digit) = digit(key)
            && self.pending.is_empty()
            && (digit != 0 || self.count.is_some())
        {
            let count = self.count.unwrap_or(0);
            self.count = Some(
                count
                    .saturating_mul(10)
                    .saturating_add(digit)
                    .min(COUNT_MAX),
            );
            return Found::Pending;
        }
        self.pending.push(key);
        let node = trie_of(&self.tries, scope).find(&self.pending);
        match node {
            Some(Node {
                command: Some(command),
                ..
            }) => {
                let found = Found::Matched {
                    action: command.action,
                    count: self.count,
                };
                self.cancel();
                found
            }
            Some(_) => Found::Pending,
            None => {
                let chord = chord_text(&self.pending);
                self.cancel();
                Found::Unbound(chord)
            }
        }
    }

    /// Whether a chord or a count has begun.
    pub fn is_pending(&self) -> bool {
        self.count.is_some() || !self.pending.is_empty()
    }

    /// What was typed so far, for the status line: `12 y`; empty when nothing is pending.
    pub fn pending_text(&self) -> String {
        let mut text = self
            .count
            .map(|count| count.to_string())
            .unwrap_or_default();
        if !self.pending.is_empty() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&chord_text(&self.pending));
        }
        text
    }

    /// Forgets the chord and the count that have begun.
    pub fn cancel(&mut self) {
        self.pending.clear();
        self.count = None;
    }

    /// The keys that may follow the chord that has begun, in the order of the commands; empty where none has.
    pub fn pending_hints(&self, scope: Scope) -> Vec<Hint> {
        if self.pending.is_empty() {
            return Vec::new();
        }
        let Some(node) = trie_of(&self.tries, scope).find(&self.pending) else {
            return Vec::new();
        };
        node.next
            .iter()
            .map(|(key, node)| Hint {
                key: key_text(*key),
                doc: match node.command {
                    Some(command) => command.doc.to_owned(),
                    None => format!("{} more…", node.next.len()),
                },
            })
            .collect()
    }

    /// The chords of an action on a screen of this scope, the most usual first.
    pub fn keys_of(&self, action: Action, scope: Scope) -> Vec<String> {
        bindings_in(&self.bindings, scope)
            .iter()
            .filter(|binding| binding.command.action == action)
            .map(|binding| chord_text(&binding.keys))
            .collect()
    }

    /// The chords of a command by its name, on a screen of this scope.
    pub fn keys_of_name(&self, name: &str, scope: Scope) -> Vec<String> {
        command(name).map_or_else(Vec::new, |command| self.keys_of(command.action, scope))
    }
}

fn trie_of(tries: &[Node; Scope::COUNT], scope: Scope) -> &Node {
    tries.get(scope as usize).unwrap_or(&tries[0])
}

fn bindings_in(bindings: &[Vec<Binding>; Scope::COUNT], scope: Scope) -> &[Binding] {
    bindings.get(scope as usize).unwrap_or(&bindings[0])
}

fn trie(bindings: &[Vec<Binding>; Scope::COUNT], ix: usize) -> Node {
    let mut root = Node::default();
    for binding in bindings.iter().skip(ix).take(1).flatten() {
        root.insert(&binding.keys, binding.command);
    }
    root
}

fn problem(row: &KeyRow, what: String) -> Problem {
    Problem {
        file: row.file.clone(),
        line: Some(row.line),
        what,
    }
}

/// A row of the settings that makes sense.
struct UserRow<'a> {
    row: &'a KeyRow,
    keys: Vec<KeyCombination>,
    /// `None` unbinds.
    command: Option<&'static Command>,
    /// The table it stands in.
    scope: Scope,
}

impl<'a> UserRow<'a> {
    fn parse(row: &'a KeyRow) -> Result<Self, String> {
        let scope = match &row.scope {
            None => Scope::Global,
            Some(name) => Scope::ALL
                .into_iter()
                .find(|scope| *scope != Scope::Global && scope.name() == name)
                .ok_or_else(|| {
                    format!("there is no [keys.{name}]; only list, trajectory, patch and file")
                })?,
        };
        let keys = parse_chord(&row.chord)?;
        if let Some(first) = keys.first()
            && digit(*first).is_some_and(|digit| digit != 0)
        {
            return Err(format!(
                "key `{}` begins with a digit, which starts a count",
                row.chord
            ));
        }
        let command = if row.command == "none" {
            None
        } else {
            let command = command(&row.command)
                .ok_or_else(|| format!("there is no command `{}`", row.command))?;
            if scope != Scope::Global && !command.scope.works_on(scope) {
                return Err(format!(
                    "`{}` works in the {} only",
                    command.name,
                    command.scope.name()
                ));
            }
            Some(command)
        };
        Ok(Self {
            row,
            keys,
            command,
            scope,
        })
    }

    /// Whether the row has a say on a screen of this scope. A row of `[keys]` speaks where its command works.
    fn speaks_on(&self, scope: Scope) -> bool {
        match self.command {
            _ if self.scope != Scope::Global => self.scope == scope,
            Some(command) => command.scope.works_on(scope),
            None => true,
        }
    }

    fn name(&self) -> &'static str {
        self.command.map_or("none", |command| command.name)
    }
}

/// The bindings of one screen: the defaults, without what the user unbound or bound anew, then the user's.
fn bindings_of(scope: Scope, user: &[UserRow<'_>], problems: &mut Vec<Problem>) -> Vec<Binding> {
    let mut bindings = defaults(scope);
    // the user's rows of the screen itself win over those for every screen
    let of = |wanted: bool| {
        user.iter()
            .filter(move |row| row.speaks_on(scope) && (row.scope == Scope::Global) == wanted)
    };
    for rows in [of(true).collect::<Vec<_>>(), of(false).collect()] {
        for row in rows.iter().filter(|row| row.command.is_none()) {
            bindings.retain(|have| !have.keys.starts_with(&row.keys));
        }
        let mut seen: BTreeMap<String, &UserRow<'_>> = BTreeMap::new();
        for row in &rows {
            let chord = chord_text(&row.keys);
            if let Some(before) = seen.get(&chord) {
                let what = format!(
                    "key `{chord}` is given to `{}` in line {} already; `{}` is left out",
                    before.name(),
                    before.row.line,
                    row.name()
                );
                problems.push(problem(row.row, what));
                continue;
            }
            if let Some(command) = row.command {
                bindings.retain(|have| have.keys != row.keys);
                bind(&mut bindings, row, command, problems);
            }
            seen.insert(chord, row);
        }
    }
    bindings
}

/// Binds a user's row; what it hides, or is hidden by, gives way and is reported.
fn bind(
    bindings: &mut Vec<Binding>,
    row: &UserRow<'_>,
    command: &'static Command,
    problems: &mut Vec<Problem>,
) {
    let chord = chord_text(&row.keys);
    bindings.retain(|have| {
        let hides = have.keys.starts_with(&row.keys) || row.keys.starts_with(&have.keys);
        if hides {
            let origin = match have.line {
                Some(line) => format!(", line {line}"),
                None => String::new(),
            };
            let what = format!(
                "key `{chord}` (`{}`) takes `{}` (`{}`{origin}) away: one begins with the other",
                command.name,
                chord_text(&have.keys),
                have.command.name,
            );
            problems.push(problem(row.row, what));
        }
        !hides
    });
    bindings.push(Binding {
        keys: row.keys.clone(),
        command,
        line: Some(row.row.line),
    });
}

/// The default bindings of one screen. What only some screens have goes before what all have.
fn defaults(scope: Scope) -> Vec<Binding> {
    let bindings = |command: &'static Command| {
        command.keys.iter().filter_map(move |chord| {
            Some(Binding {
                keys: parse_chord(chord).ok()?,
                command,
                line: None,
            })
        })
    };
    let of_screen = COMMANDS
        .iter()
        .filter(|command| command.scope.works_on(scope));
    let mut all: Vec<Binding> = of_screen.flat_map(bindings).collect();
    let own: Vec<Vec<KeyCombination>> = all
        .iter()
        .filter(|binding| binding.command.scope != Scope::Global && scope != Scope::Global)
        .map(|binding| binding.keys.clone())
        .collect();
    all.retain(|binding| binding.command.scope != Scope::Global || !own.contains(&binding.keys));
    all
}

/// The digit that a key without modifiers types.
fn digit(key: KeyCombination) -> Option<usize> {
    match plain_char(key)? {
        c @ '0'..='9' => c.to_digit(10).and_then(|digit| usize::try_from(digit).ok()),
        _ => None,
    }
}

/// The character of a key that has no modifiers but Shift.
fn plain_char(key: KeyCombination) -> Option<char> {
    match *key.codes.first() {
        KeyCode::Char(c) if (key.modifiers - KeyModifiers::SHIFT).is_empty() => Some(c),
        _ => None,
    }
}

/// Brings what terminals send to one form: capital letters carry Shift, other characters do not, and Shift-Tab is
/// `BackTab` with Shift.
fn normalise(key: KeyEvent) -> KeyCombination {
    normalise_combination(KeyCombination::one_key(key.code, key.modifiers))
}

fn normalise_combination(key: KeyCombination) -> KeyCombination {
    let (mut code, mut modifiers) = (*key.codes.first(), key.modifiers);
    match code {
        KeyCode::Char('\r' | '\n') => code = KeyCode::Enter,
        KeyCode::Tab if modifiers.contains(KeyModifiers::SHIFT) => code = KeyCode::BackTab,
        KeyCode::BackTab => modifiers |= KeyModifiers::SHIFT,
        KeyCode::Char(c) if c.is_lowercase() && modifiers.contains(KeyModifiers::SHIFT) => {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(first), None) if first != c => code = KeyCode::Char(first),
                // ß has no capital of its own
                _ => modifiers -= KeyModifiers::SHIFT,
            }
        }
        KeyCode::Char(c) if c.is_uppercase() => modifiers |= KeyModifiers::SHIFT,
        KeyCode::Char(_) => modifiers -= KeyModifiers::SHIFT,
        _ => {}
    }
    KeyCombination::one_key(code, modifiers)
}

/// Reads a chord: keys with blanks between them.
fn parse_chord(chord: &str) -> Result<Vec<KeyCombination>, String> {
    let keys: Result<Vec<_>, _> = chord.split_whitespace().map(parse_key).collect();
    match keys {
        Ok(keys) if keys.is_empty() => Err("an empty key; a blank is called Space".to_owned()),
        Ok(keys) => Ok(keys),
        Err(key) => Err(format!("`{key}` is not a key")),
    }
}

fn parse_key(text: &str) -> Result<KeyCombination, String> {
    let mut chars = text.chars();
    let code = match (chars.next(), chars.next()) {
        (Some('↑'), None) => Some(KeyCode::Up),
        (Some('↓'), None) => Some(KeyCode::Down),
        (Some('←'), None) => Some(KeyCode::Left),
        (Some('→'), None) => Some(KeyCode::Right),
        (Some(c), None) => Some(KeyCode::Char(c)),
        _ => None,
    };
    if let Some(code) = code {
        let key = KeyCombination::one_key(code, KeyModifiers::NONE);
        return Ok(normalise_combination(key));
    }
    let lower = text.to_ascii_lowercase();
    // the last part is the key's name, except that in `ctrl--` it is the sign itself
    let name = lower.rsplit('-').next().unwrap_or(&lower);
    let usual = match name {
        "pgdn" | "pgdown" => "pagedown",
        "pgup" => "pageup",
        "escape" => "esc",
        "return" => "enter",
        _ => name,
    };
    let modifiers = lower.strip_suffix(name).unwrap_or_default();
    match crokey::parse(&format!("{modifiers}{usual}")) {
        Ok(key) if key.is_ansi_compatible() => Ok(normalise_combination(key)),
        _ => Err(text.to_owned()),
    }
}

/// A chord as text that [`parse_chord`] reads back.
fn chord_text(keys: &[KeyCombination]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| key_text(*key)).collect();
    keys.join(" ")
}

fn key_text(key: KeyCombination) -> String {
    if let Some(c) = plain_char(key)
        && !c.is_whitespace()
    {
        return c.to_string();
    }
    let bare = key.modifiers.is_empty();
    match *key.codes.first() {
        KeyCode::Up if bare => "↑".to_owned(),
        KeyCode::Down if bare => "↓".to_owned(),
        KeyCode::Left if bare => "←".to_owned(),
        KeyCode::Right if bare => "→".to_owned(),
        _ => key
            .to_string()
            .replace("PageDown", "PgDn")
            .replace("PageUp", "PgUp"),
    }
}

#[cfg(test)]
mod tests;
