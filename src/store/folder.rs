//! Walking folders: which files are records, which belong to others, which are passed over.
//!
//! One folder at a time, so that the first records of a large tree show at once. Rules, from formats.md: event files
//! are one record; `<session>/subagents/` and `agent-*.jsonl` of the same session are children of `<session>.jsonl`;
//! `X.summarization-*` and `X.cont-*` are children of the ATIF file `X.json`; `agent/trajectory.json` has its trial's
//! `result.json` and rewards; of a completion log's folder the last file is the record; a run folder with an
//! `output.jsonl` has the same conversations a second time in `conversations/` and `llm_completions/`.

use std::collections::HashMap;
use std::collections::HashSet;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::Fault;
use crate::read::Layout;
use crate::read::PartRole;
use crate::read::Probe;
use crate::read::Shape;
use crate::store::index::PartSpec;
use crate::store::index::file_name;
use crate::store::names;
use crate::store::scan::Scan;
use crate::store::scan::Seed;
use crate::store::scan::Want;
use crate::store::tell;
use crate::store::tell::Told;

/// The names in a folder, each sorted naturally.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) files: Vec<String>,
    pub(super) folders: Vec<String>,
}

impl Listing {
    /// Reads a folder; links count as what they point to, dangling ones as files.
    pub(super) fn read(folder: &Path) -> std::io::Result<Self> {
        let mut listing = Self::default();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            // names that are no UTF-8 cannot be those of data files we know
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let kind = entry.file_type()?;
            let is_folder = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
            if is_folder {
                listing.folders.push(name);
            } else {
                listing.files.push(name);
            }
        }
        listing.files.sort_by(|a, b| names::natural(a, b));
        listing.folders.sort_by(|a, b| names::natural(a, b));
        Ok(listing)
    }

    fn has_file(&self, name: &str) -> bool {
        self.files.iter().any(|file| file == name)
    }
}

/// Which files belong to which others.
#[derive(Debug, Default)]
pub(super) struct Companions {
    /// Parts of a file, by its name.
    pub(super) parts: HashMap<String, Vec<PartSpec>>,
    /// Files that are only parts.
    files: HashSet<String>,
    /// Folders whose files all are parts, or copies.
    folders: HashSet<String>,
}

impl Companions {
    /// Finds them in one folder.
    pub(super) fn find(folder: &Path, listing: &Listing) -> Self {
        let mut found = Self::default();
        found.find_atif(folder, listing);
        found.find_sessions(folder, listing);
        found.find_trial(folder, listing);
        if listing.has_file("output.jsonl") {
            let copies = listing.folders.iter();
            let copies = copies.filter(|name| names::is_copy_of_output(name));
            found.folders.extend(copies.cloned());
        }
        if listing
            .folders
            .iter()
            .any(|name| matches!(name.as_str(), "events" | "event_service"))
        {
            let metas = ["base_state.json", "metadata.json"];
            found.files.extend(metas.map(str::to_owned));
        }
        let parent = folder.parent().and_then(Path::file_name);
        if parent.is_some_and(|name| name == "llm_completions") {
            found.keep_last_completion(listing);
        }
        found
    }

    fn add(&mut self, main: &str, part: PartSpec) {
        self.parts.entry(main.to_owned()).or_default().push(part);
    }

    fn find_atif(&mut self, folder: &Path, listing: &Listing) {
        let all: HashSet<&str> = listing.files.iter().map(String::as_str).collect();
        for name in &listing.files {
            if let Some(main) = names::atif_main(name)
                && all.contains(main.as_str())
            {
                self.add(&main, PartSpec::file(&folder.join(name), PartRole::Child));
                self.files.insert(name.clone());
            }
        }
    }

    fn find_sessions(&mut self, folder: &Path, listing: &Listing) {
        let sessions: HashSet<&str> = listing
            .files
            .iter()
            .filter_map(|name| name.strip_suffix(".jsonl"))
            .filter(|stem| names::is_uuid(stem))
            .collect();
        if sessions.is_empty() {
            return;
        }
        for name in listing
            .folders
            .iter()
            .filter(|n| sessions.contains(n.as_str()))
        {
            let main = format!("{name}.jsonl");
            let agents = folder.join(name).join("subagents");
            for file in Listing::read(&agents).unwrap_or_default().files {
                let role = if file.ends_with(".meta.json") {
                    PartRole::Meta
                } else if names::ends_in(&file, "jsonl") {
                    PartRole::Child
                } else {
                    continue;
                };
                self.add(&main, PartSpec::file(&agents.join(&file), role));
            }
            self.folders.insert(name.clone());
        }
        for name in listing.files.iter().filter(|n| n.starts_with("agent-")) {
            let path = folder.join(name);
            let Some(session) = session_of(&path).filter(|s| sessions.contains(s.as_str())) else {
                continue;
            };
            self.add(
                &format!("{session}.jsonl"),
                PartSpec::file(&path, PartRole::Child),
            );
            self.files.insert(name.clone());
        }
    }

    fn find_trial(&mut self, folder: &Path, listing: &Listing) {
        let is_agent = folder.file_name().is_some_and(|name| name == "agent");
        if let Some(trial) = folder.parent()
            && is_agent
            && listing.has_file("trajectory.json")
        {
            for name in ["result.json", "verifier/reward.json", "verifier/reward.txt"] {
                let path = trial.join(name);
                if path.is_file() {
                    self.add("trajectory.json", PartSpec::file(&path, PartRole::Meta));
                }
            }
        }
        let has_agent = listing.folders.iter().any(|name| name == "agent");
        if has_agent && folder.join("agent/trajectory.json").is_file() {
            self.files.insert("result.json".to_owned());
            self.files.insert("config.json".to_owned());
            self.folders.insert("verifier".to_owned());
        }
    }

    /// Each call's log holds the whole conversation so far: the last one holds all of it. Logs end in a timestamp.
    fn keep_last_completion(&mut self, listing: &Listing) {
        let stamp = |name: &str| {
            let stem = name.strip_suffix(".json")?;
            let (_, stamp) = stem.rsplit_once('-')?;
            stamp.parse::<f64>().ok()
        };
        let logs = listing
            .files
            .iter()
            .filter(|name| names::ends_in(name, "json"));
        let last = logs.clone().max_by(|a, b| {
            stamp(a)
                .unwrap_or(0.0)
                .total_cmp(&stamp(b).unwrap_or(0.0))
                .then_with(|| names::natural(a, b))
        });
        let older = logs.filter(|name| Some(*name) != last);
        self.files.extend(older.cloned());
    }
}

/// What belongs to files that were named by themselves. Each folder is looked at once, however many of its files are
/// named.
#[derive(Debug, Default)]
pub(super) struct Siblings {
    folders: HashMap<PathBuf, Companions>,
}

impl Siblings {
    /// Parts of a file that was named by itself.
    pub(super) fn parts_of(&mut self, path: &Path) -> Vec<PartSpec> {
        let name = file_name(path);
        let stem = name.strip_suffix(".jsonl");
        let may_have = stem.is_some_and(names::is_uuid)
            || (names::ends_in(&name, "json") && names::atif_main(&name).is_none());
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        if !may_have {
            return Vec::new();
        }
        if !self.folders.contains_key(folder) {
            let listing = Listing::read(folder).unwrap_or_default();
            let companions = Companions::find(folder, &listing);
            self.folders.insert(folder.to_path_buf(), companions);
        }
        let companions = self.folders.get(folder);
        let parts = companions.and_then(|companions| companions.parts.get(&name));
        parts.cloned().unwrap_or_default()
    }
}

/// The session that the first line of a Claude Code file names.
fn session_of(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(16 << 10).read_to_end(&mut head).ok()?;
    let at = memchr::memmem::find(&head, b"\"sessionId\":")?;
    let rest = head
        .get(at + 12..)?
        .trim_ascii_start()
        .strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', rest)?;
    String::from_utf8(rest.get(..end)?.to_vec()).ok()
}

/// The parts of an event folder: its events in order, and what stands beside it about the conversation.
pub(super) fn event_parts(folder: &Path, listing: &Listing) -> Vec<PartSpec> {
    let refs: Vec<&str> = listing.files.iter().map(String::as_str).collect();
    let order = names::event_files(&file_name(folder), &refs);
    if order.is_empty() {
        return Vec::new();
    }
    let events = order.iter().filter_map(|at| refs.get(*at));
    let mut parts: Vec<PartSpec> = events
        .map(|name| PartSpec::file(&folder.join(name), PartRole::Event))
        .collect();
    let conversation = names::conversation_folder(folder);
    let around = folder
        .ancestors()
        .take_while(|place| place.starts_with(conversation));
    for place in around {
        for name in ["base_state.json", "metadata.json"] {
            let path = place.join(name);
            if path.is_file() {
                parts.push(PartSpec::file(&path, PartRole::Meta));
            }
        }
    }
    parts
}

impl Scan<'_> {
    /// Walks a folder and scans what it holds.
    pub(super) fn scan_folder(&mut self, root: &Path) {
        let mut waiting = vec![root.to_path_buf()];
        // links lead to the same folder on many ways, and two that hold each other's links on endlessly many
        let mut walked = HashSet::new();
        while let Some(folder) = waiting.pop() {
            if self.is_cancelled() {
                return;
            }
            let canonical = std::fs::canonicalize(&folder).unwrap_or_else(|_gone| folder.clone());
            if !walked.insert(canonical.clone()) {
                continue;
            }
            let listing = match Listing::read(&folder) {
                Ok(listing) => listing,
                Err(err) => {
                    if self.seen.insert(canonical) {
                        let why = format!("the folder cannot be read: {err}");
                        self.push_fault(&Seed::file(&folder, true), Fault::new(why));
                    }
                    continue;
                }
            };
            let companions = Companions::find(&folder, &listing);
            if !self.scan_event_folder(&folder, &canonical, &listing) {
                self.scan_files(&folder, &canonical, &listing, &companions);
            }
            let deeper = listing.folders.iter().rev().filter(|name| {
                !names::is_ignored_folder(name) && !companions.folders.contains(*name)
            });
            for name in deeper {
                let path = folder.join(name);
                if !is_loop(&path, &canonical) {
                    waiting.push(path);
                }
            }
        }
    }

    fn scan_event_folder(&mut self, folder: &Path, canonical: &Path, listing: &Listing) -> bool {
        let parts = event_parts(folder, listing);
        if parts.is_empty() {
            return false;
        }
        if self.want != Want::Sides && self.seen.insert(canonical.to_path_buf()) {
            let events = parts.iter().filter(|part| part.role == PartRole::Event);
            let values: Vec<_> = events
                .take(Probe::VALUES)
                .filter_map(PartSpec::value)
                .collect();
            let told = tell::family(&values, Shape::Events).unwrap_or(Told {
                format: None,
                layout: Layout::Session,
                shape: Shape::Events,
            });
            let seed = Seed {
                parts,
                ..Seed::file(names::conversation_folder(folder), false)
            };
            self.push_events(&seed, told);
        }
        true
    }

    fn scan_files(
        &mut self,
        folder: &Path,
        canonical: &Path,
        listing: &Listing,
        companions: &Companions,
    ) {
        for name in &listing.files {
            if self.is_cancelled() {
                return;
            }
            let path = folder.join(name);
            let is_link = path.is_symlink();
            let identity = if is_link {
                std::fs::canonicalize(&path).unwrap_or_else(|_dangling| path.clone())
            } else {
                canonical.join(name)
            };
            if companions.files.contains(name) || !self.seen.insert(identity) {
                continue;
            }
            if !names::may_hold_data(name) {
                self.skip_path(path, "not a kind of file that holds trajectories");
                continue;
            }
            let seed = Seed {
                path: Arc::from(path),
                member: None,
                is_explicit: false,
                parts: companions.parts.get(name).cloned().unwrap_or_default(),
            };
            self.scan_file(&seed);
        }
    }
}

/// Whether a link leads back to a folder above it.
fn is_loop(path: &Path, parent: &Path) -> bool {
    path.is_symlink()
        && std::fs::canonicalize(path).is_ok_and(|target: PathBuf| parent.starts_with(target))
}
