//! The editor of `OpenHands` in its three generations: view, create, `str_replace`, insert, `undo_edit`.
//!
//! `openhands-aci` 0.3.0 and the SDK's `file_editor`, which grew out of it, share their words and most of their ways; what
//! tells them apart is asked of the [`Flavour`]. Arguments are read by the tools, each as its producer reads them.

mod folder;
mod history;
mod output;

pub(super) use history::History;

use crate::replay::edit::bytes::Encoding;
use crate::replay::edit::bytes::decoded;
use crate::replay::edit::bytes::encoded;
use crate::replay::edit::bytes::is_binary;
use crate::replay::edit::bytes::is_binary_by_tree;
use crate::replay::edit::place;
use crate::replay::edit::pythonic;
use crate::replay::edit::pythonic::count_lines;
use crate::replay::edit::pythonic::lines_between;
use crate::replay::edit::stop::Stop;
use crate::sandbox::FileError;
use crate::sandbox::FileKind;
use crate::sandbox::Files;
use crate::sandbox::Meta;

/// The largest file that is read or changed: 10 MB.
const MOST_BYTES: u64 = 10 * 1024 * 1024;

/// Lines around a change that a snippet shows.
const CONTEXT: usize = 4;

/// Endings of names that the SDK takes for binary without a look at the file; the common ones of its long list.
const BINARY_SUFFIXES: [&str; 41] = [
    "7z", "avi", "bin", "bz2", "class", "db", "dll", "doc", "docx", "exe", "flac", "gz", "ico",
    "iso", "jar", "m4a", "mov", "mp3", "mp4", "npy", "npz", "o", "odt", "otf", "parquet", "pdf",
    "ppt", "pptx", "pyc", "pyo", "rar", "so", "sqlite", "tar", "tiff", "ttf", "wav", "woff",
    "woff2", "xlsx", "zip",
];

/// Which editor it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// `openhands-aci` 0.3.0.
    Aci,
    /// `file_editor` of the SDK as it was taken over from there.
    SdkEarly,
    /// `file_editor` that writes through a temporary file and walks folders itself.
    SdkLate,
}

impl Flavour {
    fn is_sdk(self) -> bool {
        self != Self::Aci
    }

    fn name(self) -> &'static str {
        if self.is_sdk() {
            "FileEditor"
        } else {
            "oh_editor"
        }
    }
}

/// The lines that a view asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Span {
    /// All.
    Whole,
    /// Something of this type, which has no length.
    NoLength(&'static str),
    /// Something that is no list of two integers, as it stands in messages.
    NotTwo(String),
    /// From one to another; -1 is the end.
    Two {
        /// As both stand in messages.
        shown: String,
        first: Number,
        last: Number,
    },
}

impl Span {
    fn shown(&self) -> Option<&str> {
        match self {
            Self::Whole => None,
            Self::NoLength(name) => Some(name),
            Self::NotTwo(shown) | Self::Two { shown, .. } => Some(shown),
        }
    }
}

/// A number of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    /// Its value, without a fraction; the nearest there is where it is too large.
    pub value: i64,
    /// As it stands in messages.
    pub shown: String,
    /// It has a fraction, or is written as if it had.
    pub is_float: bool,
}

/// What a call asks for.
#[derive(Debug, Clone)]
pub(super) struct Request<'a> {
    pub command: &'a str,
    pub path: &'a str,
    pub file_text: Option<&'a str>,
    pub view_range: Span,
    pub old_str: Option<&'a str>,
    pub new_str: Option<&'a str>,
    pub insert_line: Option<Number>,
}

/// The editor, with what can be undone.
#[derive(Debug)]
pub(super) struct Engine {
    pub flavour: Flavour,
    /// The folder for which a relative path may have been meant, where the tool suggests one.
    pub cwd: Option<String>,
    pub history: History,
}

impl Engine {
    pub(super) fn new(flavour: Flavour, cwd: Option<String>) -> Self {
        Self {
            flavour,
            cwd,
            history: History::default(),
        }
    }

    /// Does what is asked and returns what the tool prints.
    pub(super) fn run(
        &mut self,
        files: &mut dyn Files,
        request: &Request<'_>,
    ) -> Result<String, Stop> {
        let path = place::pure(request.path);
        let meta = self.checked(files, request.command, &path)?;
        let missing = |name: &str| {
            let command = request.command;
            Stop::says(format!(
                "Parameter `{name}` is required for command: {command}."
            ))
        };
        match request.command {
            "view" => match meta {
                Some(meta) if meta.kind == FileKind::Dir => {
                    self.view_folder(files, &path, &request.view_range)
                }
                Some(meta) => self.view_file(files, &path, meta, &request.view_range),
                None => Err(Stop::cannot(format!("{path} went away"))),
            },
            "create" => {
                let text = request.file_text.ok_or_else(|| missing("file_text"))?;
                self.write(files, &path, text, Encoding::Utf8, meta)?;
                self.history.push(&path, text);
                Ok(format!("File created successfully at: {path}"))
            }
            "str_replace" => {
                let old = request.old_str.ok_or_else(|| missing("old_str"))?;
                if self.flavour.is_sdk() && request.new_str.is_none() {
                    return Err(missing("new_str"));
                }
                if request.new_str == Some(old) {
                    return Err(invalid(
                        "new_str",
                        old,
                        "No replacement was performed. `new_str` and `old_str` must be different.",
                    ));
                }
                self.replace(files, &path, meta, old, request.new_str.unwrap_or_default())
            }
            "insert" => {
                let at = request
                    .insert_line
                    .as_ref()
                    .ok_or_else(|| missing("insert_line"))?;
                let text = request.new_str.ok_or_else(|| missing("new_str"))?;
                self.insert(files, &path, meta, at, text)
            }
            "undo_edit" => self.undo(files, &path, meta),
            other => Err(Stop::says(format!(
                "Unrecognized command {other}. The allowed commands for {} tool are: view, create, str_replace, insert, undo_edit",
                if self.flavour.is_sdk() {
                    self.flavour.name().to_owned()
                } else {
                    format!("the {}", self.flavour.name())
                }
            ))),
        }
    }

    /// What the path names, when the command may be used on it.
    fn checked(
        &self,
        files: &mut dyn Files,
        command: &str,
        path: &str,
    ) -> Result<Option<Meta>, Stop> {
        let wrong = |hint: String| Err(invalid("path", path, &hint));
        // The late editor takes a home folder for absolute, and then looks for one of that name.
        let is_home = self.flavour == Flavour::SdkLate && path.starts_with('~');
        if is_home && command == "create" {
            return Err(Stop::cannot(
                "a file below a folder named ~ would be made where the tool runs",
            ));
        }
        if is_home {
            return wrong(format!(
                "The path {path} does not exist. Please provide a valid path."
            ));
        }
        if !path.starts_with('/') {
            let mut hint = if self.flavour == Flavour::SdkLate {
                "The path should be an absolute path.".to_owned()
            } else {
                "The path should be an absolute path, starting with `/`.".to_owned()
            };
            if let Some(cwd) = &self.cwd {
                let meant = place::join(cwd, path);
                if look(files, &meant)?.is_some() {
                    hint.extend([" Maybe you meant ", &meant, "?"]);
                }
            }
            return wrong(hint);
        }
        let meta = look(files, path)?;
        if command == "create" && meta.is_some() {
            return wrong(format!(
                "File already exists at: {path}. Cannot overwrite files using command `create`."
            ));
        }
        if command != "create" && meta.is_none() {
            return wrong(format!(
                "The path {path} does not exist. Please provide a valid path."
            ));
        }
        if command == "view" {
            return Ok(meta);
        }
        if meta.is_some_and(|meta| meta.kind == FileKind::Dir) {
            return wrong(format!(
                "The path {path} is a directory and only the `view` command can be used on directories."
            ));
        }
        if self.is_document(path) {
            let suffix = place::suffix(path);
            return wrong(format!(
                "The path {path} points to a binary file ({suffix}) and only the `view` command can be used on supported binary files."
            ));
        }
        Ok(meta)
    }

    /// Whether the path names a kind of document that is shown through a converter.
    fn is_document(&self, path: &str) -> bool {
        const DOCUMENTS: [&str; 8] = [
            ".docx", ".xlsx", ".pptx", ".pdf", ".mp3", ".wav", ".m4a", ".flac",
        ];
        let suffix = place::suffix(path).to_lowercase();
        !self.flavour.is_sdk() && DOCUMENTS.contains(&suffix.as_str())
    }

    /// Whether the path names an image that the SDK shows as one.
    fn is_image(&self, path: &str) -> bool {
        const IMAGES: [&str; 6] = [".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"];
        let suffix = place::suffix(path).to_lowercase();
        self.flavour.is_sdk() && IMAGES.contains(&suffix.as_str())
    }

    /// The text of a file that may be read and edited.
    fn text_of(
        &self,
        files: &mut dyn Files,
        path: &str,
        meta: Meta,
    ) -> Result<(String, Encoding), Stop> {
        if meta.kind != FileKind::File {
            return Err(Stop::cannot(format!(
                "{path} is no file: the tool would wait for it"
            )));
        }
        let refused = |why: String| {
            Err(Stop::says(format!(
                "File validation failed for {path}: {why}"
            )))
        };
        if meta.len > MOST_BYTES {
            // Exact up to 2^53 bytes.
            #[expect(
                clippy::cast_precision_loss,
                reason = "sizes of files are below 2^53 bytes"
            )]
            let megabytes = meta.len as f64 / 1024.0 / 1024.0;
            return refused(format!(
                "File is too large ({megabytes:.1}MB). Maximum allowed size is 10MB."
            ));
        }
        if self.is_document(path) {
            return Err(Stop::cannot("documents are shown through a converter"));
        }
        let bytes = files
            .read(path, MOST_BYTES)
            .map_err(|error| Stop::broken(path, &error))?;
        if self.takes_for_binary(path, &bytes) {
            return refused("File appears to be binary and this file type cannot be read or edited by this tool.".to_owned());
        }
        Ok(decoded(&bytes))
    }

    fn takes_for_binary(&self, path: &str, bytes: &[u8]) -> bool {
        if self.flavour == Flavour::Aci {
            return is_binary(bytes) || place::suffix(path) == ".pyc";
        }
        let suffix = place::suffix(path).to_lowercase();
        let is_by_name = BINARY_SUFFIXES.contains(&suffix.trim_start_matches('.'));
        if self.is_image(path) || !(is_by_name || is_binary_by_tree(bytes)) {
            return false;
        }
        // The late editor lets pass what can be read and has no control characters.
        let is_control = |c: char| matches!(c, '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}');
        self.flavour == Flavour::SdkEarly || decoded(bytes).0.contains(is_control)
    }

    fn view_file(
        &self,
        files: &mut dyn Files,
        path: &str,
        meta: Meta,
        span: &Span,
    ) -> Result<String, Stop> {
        if self.is_image(path) {
            return Ok(format!(
                "Image file {path} read successfully. Displaying image content."
            ));
        }
        let (text, _) = self.text_of(files, path, meta)?;
        let wrong = |hint: String| {
            Err(invalid(
                "view_range",
                span.shown().unwrap_or_default(),
                &hint,
            ))
        };
        let (first, last) = match span {
            Span::Whole => return Ok(output::numbered(self.flavour, &text, path, 1)),
            Span::NoLength(name) => {
                return Err(Stop::says(format!("object of type '{name}' has no len()")));
            }
            Span::NotTwo(_) => return wrong("It should be a list of two integers.".to_owned()),
            Span::Two { first, last, .. } => (first, last),
        };
        let count = count_lines(&text);
        let total = i64::try_from(count).unwrap_or(i64::MAX);
        if first.value < 1 || first.value > total {
            let first = &first.shown;
            return wrong(format!(
                "Its first element `{first}` should be within the range of lines of the file: [1, {total}]."
            ));
        }
        let mut note = String::new();
        let mut end = last.value;
        if self.flavour.is_sdk() {
            if end > total {
                note = format!(
                    "NOTE: We only show up to {total} since there're only {total} lines in this file.\n"
                );
            }
            end = if end == -1 { total } else { end.min(total) };
        } else if end > total {
            let last = &last.shown;
            return wrong(format!(
                "Its second element `{last}` should be smaller than the number of lines in the file: `{total}`."
            ));
        }
        if end != -1 && end < first.value {
            let (first, last) = (&first.shown, &last.shown);
            return wrong(format!(
                "Its second element `{last}` should be greater than or equal to the first element `{first}`."
            ));
        }
        let end = if end == -1 {
            count
        } else {
            usize::try_from(end).unwrap_or(count)
        };
        let start = usize::try_from(first.value).unwrap_or(1);
        let mut shown = lines_between(&text, start, end);
        if self.flavour != Flavour::SdkLate {
            shown = pythonic::splitlines(&shown).join("\n");
        }
        Ok(note + &output::numbered(self.flavour, &shown, path, start))
    }

    fn view_folder(&self, files: &mut dyn Files, path: &str, span: &Span) -> Result<String, Stop> {
        if let Some(shown) = span.shown() {
            return Err(invalid(
                "view_range",
                shown,
                "The `view_range` parameter is not allowed when `path` points to a directory.",
            ));
        }
        folder::shown(self.flavour, files, path)
    }

    fn replace(
        &mut self,
        files: &mut dyn Files,
        path: &str,
        meta: Option<Meta>,
        old: &str,
        new: &str,
    ) -> Result<String, Stop> {
        let (text, encoding) = self.read_for_edit(files, path, meta)?;
        let (mut old, mut new) = (old, new);
        let mut found = places(&text, old);
        if found.is_empty() && self.flavour.is_sdk() {
            old = pythonic::strip(old);
            if self.flavour == Flavour::SdkEarly {
                new = pythonic::strip(new);
            }
            found = places(&text, old);
        }
        let (at, line) = match found.as_slice() {
            [] => {
                return Err(Stop::says(format!(
                    "No replacement was performed, old_str `{old}` did not appear verbatim in {path}."
                )));
            }
            [one] => *one,
            many => return Err(Stop::says(ambiguous(old, many))),
        };
        let (before, rest) = text.split_at_checked(at).unwrap_or((&text, ""));
        let after = rest.get(old.len()..).unwrap_or_default();
        let changed = [before, new, after].concat();
        self.write(files, path, &changed, encoding, meta)?;
        self.history.push(path, &text);
        let start = line.saturating_sub(CONTEXT);
        let end = line + CONTEXT + new.matches('\n').count();
        let snippet = lines_between(&pythonic::universal(changed), start + 1, end);
        let shown = output::numbered(
            self.flavour,
            &snippet,
            &format!("a snippet of {path}"),
            start + 1,
        );
        Ok(format!(
            "The file {path} has been edited. {shown}Review the changes and make sure they are as expected. Edit the file again if necessary."
        ))
    }

    fn insert(
        &mut self,
        files: &mut dyn Files,
        path: &str,
        meta: Option<Meta>,
        at: &Number,
        new: &str,
    ) -> Result<String, Stop> {
        let (text, encoding) = self.read_for_edit(files, path, meta)?;
        let count = count_lines(&text);
        let line = usize::try_from(at.value).ok().filter(|line| *line <= count);
        let Some(line) =
            line.filter(|line| !at.is_float || *line < count || at.shown.ends_with(".0"))
        else {
            return Err(invalid(
                "insert_line",
                &at.shown,
                &format!("It should be within the range of allowed values: [0, {count}]"),
            ));
        };
        if at.is_float && line >= CONTEXT {
            return Err(Stop::cannot("insert_line is no whole number"));
        }
        let kept: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let (before, after) = text.split_at_checked(kept).unwrap_or((&text, ""));
        let changed = format!("{before}{new}\n{after}");
        let added = new.matches('\n').count() + 1;
        if self.flavour == Flavour::SdkLate {
            self.write(files, path, &changed, encoding, meta)?;
        } else {
            let bytes = self.bytes(path, &changed, encoding)?;
            put_over(files, path, &bytes, 0o600).map_err(|error| Stop::broken(path, &error))?;
        }
        let start = line.saturating_sub(CONTEXT);
        let end = (count + added).min(line + CONTEXT + added);
        let snippet = lines_between(&pythonic::universal(changed), start + 1, end);
        self.history.push(path, &text);
        let shown = output::numbered(
            self.flavour,
            &snippet,
            "a snippet of the edited file",
            start + 1,
        );
        Ok(format!(
            "The file {path} has been edited. {shown}Review the changes and make sure they are as expected (correct indentation, no duplicate lines, etc). Edit the file again if necessary."
        ))
    }

    fn undo(
        &mut self,
        files: &mut dyn Files,
        path: &str,
        meta: Option<Meta>,
    ) -> Result<String, Stop> {
        let (_, encoding) = self.read_for_edit(files, path, meta)?;
        let Some(text) = self.history.pop(path) else {
            return Err(Stop::says(format!("No edit history found for {path}.")));
        };
        self.write(files, path, &text, encoding, meta)?;
        let shown = output::numbered(self.flavour, &text, path, 1);
        Ok(format!("Last edit to {path} undone successfully. {shown}"))
    }

    fn read_for_edit(
        &self,
        files: &mut dyn Files,
        path: &str,
        meta: Option<Meta>,
    ) -> Result<(String, Encoding), Stop> {
        let meta = meta.ok_or_else(|| Stop::cannot(format!("{path} went away")))?;
        self.text_of(files, path, meta)
    }

    fn bytes(&self, path: &str, text: &str, encoding: Encoding) -> Result<Vec<u8>, Stop> {
        match encoded(text, encoding) {
            Some(bytes) => Ok(bytes),
            None if self.flavour == Flavour::SdkLate => Ok(text.as_bytes().to_vec()),
            None => Err(Stop::cannot(format!(
                "{path} is not UTF-8, and which encoding the tool guesses decides whether the new text can be written"
            ))),
        }
    }

    fn write(
        &self,
        files: &mut dyn Files,
        path: &str,
        text: &str,
        encoding: Encoding,
        meta: Option<Meta>,
    ) -> Result<(), Stop> {
        let ran_into =
            |what: String| Stop::says(format!("Ran into {what} while trying to write to {path}"));
        if path.contains('\0') {
            return Err(ran_into("embedded null byte".to_owned()));
        }
        let bytes = self.bytes(path, text, encoding)?;
        if self.flavour != Flavour::SdkLate {
            return files
                .write(path, &bytes, None)
                .map_err(|error| ran_into(os_error(path, &error)));
        }
        let mode = meta.map_or(0o600, |meta| meta.mode);
        put_over(files, path, &bytes, mode)
            .map_err(|error| ran_into(os_error(&beside(path), &error)))
    }
}

/// What a path names; nothing where the tool sees nothing.
pub(super) fn look(files: &mut dyn Files, path: &str) -> Result<Option<Meta>, Stop> {
    if path.contains('\0') {
        return Ok(None);
    }
    match files.meta(path) {
        Ok(meta) => Ok(meta.filter(|meta| meta.kind != FileKind::Symlink)),
        // Nothing there, no such descriptor, no folder on the way, links in a circle.
        Err(error) if matches!(error.errno, Some(2 | 9 | 20 | 40)) => Ok(None),
        Err(error) => Err(Stop::broken(path, &error)),
    }
}

/// The file that is written beside another; the tool's own name for it has eight random letters.
fn beside(path: &str) -> String {
    place::below(
        place::parent(path),
        &format!(".{}.xxxxxxxx.tmp", place::name(path)),
    )
}

/// Writes a file beside another and renames it over that one, which may be a link.
pub(super) fn put_over(
    files: &mut dyn Files,
    path: &str,
    bytes: &[u8],
    mode: u32,
) -> Result<(), FileError> {
    let beside = beside(path);
    files.write(&beside, bytes, Some(mode))?;
    files.set_mode(&beside, mode)?;
    files.rename(&beside, path).inspect_err(|_| {
        // What could not be renamed is not left lying; the first error is the one to tell.
        let _gone = files.remove(&beside);
    })
}

/// An error of the system's as Python prints it.
pub(super) fn os_error(path: &str, error: &FileError) -> String {
    match error.errno {
        Some(errno) => format!("[Errno {errno}] {}: {}", error.why, pythonic::repr(path)),
        None => error.why.clone(),
    }
}

fn invalid(name: &str, value: &str, hint: &str) -> Stop {
    Stop::says(format!("Invalid `{name}` parameter: {value}. {hint}"))
}

/// Where a text stands in another, not overlapping, with the line from 1; all places where it is empty.
fn places(text: &str, wanted: &str) -> Vec<(usize, usize)> {
    let mut line = 1;
    let mut seen = 0;
    text.match_indices(wanted)
        .map(|(at, _)| {
            let between = text.get(seen..at).unwrap_or_default();
            line += memchr::memchr_iter(b'\n', between.as_bytes()).count();
            seen = at;
            (at, line)
        })
        .collect()
}

fn ambiguous(old: &str, found: &[(usize, usize)]) -> String {
    let mut lines: Vec<usize> = found.iter().map(|(_, line)| *line).collect();
    lines.dedup();
    let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
    format!(
        "No replacement was performed. Multiple occurrences of old_str `{old}` in lines [{}]. Please ensure it is unique.",
        lines.join(", ")
    )
}
