//! The page of a final patch: file by file, with what the filters say beside the lines, places that were expected and
//! are not there, and the reference patch where it is asked for.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::cancel::Cancel;
use crate::diff::DiffTag;
use crate::model::Text;
use crate::model::Trajectory;
use crate::patch::FilePatch;
use crate::patch::PatchKind;
use crate::patch::parse_patch;
use crate::theme::Role;
use crate::ui::page::Page;
use crate::ui::page::PageOptions;
use crate::ui::page::Place;
use crate::ui::page::block::Gutter;
use crate::ui::page::block::Tint;
use crate::ui::page::build::Builder;
use crate::ui::page::build::Folding;
use crate::ui::page::build::Label;
use crate::ui::page::change::Remark;
use crate::ui::page::change::Remarks;
use crate::ui::page::change::Spot;
use crate::ui::page::edit;
use crate::ui::page::figures;
use crate::ui::page::finding::EvidenceId;
use crate::ui::page::finding::Finding;
use crate::ui::page::finding::Judgements;
use crate::ui::page::finding::findings;
use crate::ui::page::finding::sense_sign;
use crate::ui::page::finding::verdict_sign;
use crate::verify::Sense;

/// Longer patches are shown as text and not taken apart.
const MAX_PATCH_BYTES: usize = 64 << 20;

/// Files with more rows, and nothing found in them, begin folded.
const OPEN_LINES: usize = 4000;

/// A patch that touches a line this near to a hunk of the reference patch has reached it.
const NEAR_LINES: usize = 3;

/// What stands in the list of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchFile {
    /// Its name, as the patch or the filter calls it; not cleaned.
    pub path: String,
    /// `M` changed, `A` new, `D` deleted, `R` renamed, `C` copied, `B` binary, `-` expected and not in the patch.
    pub letter: char,
    /// Added lines.
    pub added: usize,
    /// Removed lines.
    pub removed: usize,
    /// Objections, places that were missed, hits.
    pub found: [usize; 3],
    /// Its title on the page.
    pub place: Place,
}

/// A place of the page that a filter speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchMark {
    /// Where it is.
    pub place: Place,
    /// What is said of it.
    pub sense: Sense,
    /// By which evidence.
    pub of: Vec<EvidenceId>,
}

/// The page of a final patch.
#[derive(Debug)]
pub struct PatchPage {
    /// The page.
    pub page: Page,
    /// The files, from the top.
    pub files: Vec<PatchFile>,
    /// What the filters speak of, from the top.
    pub marks: Vec<PatchMark>,
    /// Whether a reference patch is known.
    pub has_reference: bool,
}

impl PatchPage {
    /// Makes the page. Costs a few passes over the patch: run it on a worker. Cut short when cancelled.
    pub fn new(
        trajectory: &Trajectory,
        judged: Option<Judgements<'_>>,
        shows_reference: bool,
        options: &PageOptions,
        cancel: &Cancel,
    ) -> Self {
        let patch = trajectory.final_patch.as_ref();
        let patch = patch.filter(|patch| !patch.trim().is_empty());
        let reference = trajectory.task.as_ref().and_then(|t| t.gold_patch.as_ref());
        let reference = reference.filter(|patch| patch.len() <= MAX_PATCH_BYTES);
        let reference = reference.map_or_else(Vec::new, |patch| parse_patch(patch));
        let files = match patch {
            Some(patch) if patch.len() <= MAX_PATCH_BYTES => parse_patch(patch),
            _ => Vec::new(),
        };
        let mut maker = Maker {
            page: Builder::new(*options),
            files: Vec::new(),
            marks: Vec::new(),
            findings: judged.map(findings).unwrap_or_default(),
            reference_names: names(&reference)
                .into_iter()
                .map(|(name, ix)| (name.to_owned(), ix))
                .collect(),
            reference,
            // a task has nothing else to show
            shows_reference: shows_reference || trajectory.is_task(),
            is_task: trajectory.is_task(),
        };
        maker.head(trajectory, &files, judged);
        let sorted = maker.sort(&files);
        for ix in sorted.general {
            maker.finding_row(ix, "");
        }
        if let Some(patch) = patch.filter(|_| files.is_empty()) {
            maker.raw(patch);
        }
        for (file, found) in files.into_iter().zip(sorted.by_file) {
            if cancel.is_cancelled() {
                break;
            }
            maker.file(file, &found);
        }
        for (path, found) in sorted.absent {
            maker.absent(&path, &found);
        }
        maker.rest_of_reference();
        let mut marks = maker.marks;
        marks.sort_by_key(|mark| mark.place);
        Self {
            page: Page::of_blocks(maker.page.finish()),
            files: maker.files,
            marks,
            has_reference: !maker.reference.is_empty(),
        }
    }

    /// The mark of a piece of evidence.
    pub fn mark_of(&self, id: EvidenceId) -> Option<usize> {
        self.marks.iter().position(|mark| mark.of.contains(&id))
    }
}

/// Findings by where they belong.
struct Sorted {
    /// Of the patch as a whole.
    general: Vec<usize>,
    /// Of its files.
    by_file: Vec<Vec<usize>>,
    /// Of files that are not in it.
    absent: Vec<(String, Vec<usize>)>,
}

struct Maker<'a> {
    page: Builder,
    files: Vec<PatchFile>,
    marks: Vec<PatchMark>,
    findings: Vec<Finding<'a>>,
    reference: Vec<FilePatch>,
    /// The files of the reference patch by their names.
    reference_names: HashMap<String, usize>,
    shows_reference: bool,
    /// There is no attempt that could have reached or missed something.
    is_task: bool,
}

impl Maker<'_> {
    fn head(
        &mut self,
        trajectory: &Trajectory,
        files: &[FilePatch],
        judged: Option<Judgements<'_>>,
    ) {
        let title = [
            ("patch".to_owned(), Role::Title),
            (trajectory.id.clone(), Role::Strong),
        ];
        let mut meta: Vec<Label> = Vec::new();
        for (rules, judgement) in judged.iter().flat_map(|judged| judged.both()) {
            let (sign, role) = verdict_sign(judgement.verdict);
            meta.push((format!("{} {sign}", rules.name()), role));
        }
        if judged.is_some_and(Judgements::disagree) {
            meta.push(("≠ they disagree".to_owned(), Role::Warning));
        }
        self.page.section(&title, &meta);
        if trajectory
            .final_patch
            .as_deref()
            .is_none_or(|p| p.trim().is_empty())
        {
            self.no_patch(trajectory);
        } else if !files.is_empty() {
            let (added, removed) = files
                .iter()
                .map(FilePatch::counts)
                .fold((0, 0), |sum, file| (sum.0 + file.0, sum.1 + file.1));
            let mut row = crate::ui::page::drawn::Drawn::new();
            row.push(&figures::counted(files.len(), "file"), Role::Text);
            edit::push_counts(&mut row, added, removed);
            self.page.row(row);
        }
        if self.reference.is_empty() {
            return;
        }
        let places: usize = self.reference.iter().map(|file| file.hunks.len()).sum();
        if self.is_task {
            let places = figures::counted(places, "place");
            self.page.fact("reference", Some(&places));
            return;
        }
        let by_name = names(files);
        let of_gold = |gold: &FilePatch| {
            let file = names_of(gold).find_map(|name| by_name.get(name))?;
            let reached = reached(gold, &touched(files.get(*file)?));
            Some(reached.into_iter().filter(|is_reached| *is_reached).count())
        };
        let reached: usize = self.reference.iter().filter_map(of_gold).sum();
        let role = if reached == places {
            Role::Success
        } else {
            Role::Warning
        };
        let text = format!(
            "{reached} of its {} reached",
            figures::counted(places, "place")
        );
        self.page.fact_in("reference", &text, role);
    }

    fn no_patch(&mut self, trajectory: &Trajectory) {
        if trajectory.is_task() {
            self.page
                .say("a task has no final patch", Role::Placeholder);
            return;
        }
        let what = match &trajectory.final_patch {
            Some(_) => "the final patch is empty",
            None => "no final patch was recorded",
        };
        self.page.say(what, Role::Warning);
        let outcome = &trajectory.outcome;
        let exit = outcome
            .exit_status
            .as_deref()
            .filter(|exit| !exit.is_empty());
        let error = outcome
            .error
            .as_deref()
            .filter(|error| !error.trim().is_empty());
        self.page.fact("ended", exit);
        if let Some(error) = error {
            self.page.line_fact("error", error.trim(), Role::Error);
        }
        if exit.is_none() && error.is_none() {
            self.page
                .say("the record does not say how the attempt ended", Role::Dim);
        }
    }

    /// A patch that cannot be taken apart, as it is.
    fn raw(&mut self, patch: &Text) {
        let why = if patch.len() > MAX_PATCH_BYTES {
            "(too long to be taken apart)"
        } else {
            "(no file and no hunk could be read out of it)"
        };
        self.page.say(why, Role::Placeholder);
        self.page
            .lines(patch, Gutter::None, Tint::Diff, Folding::NONE);
    }

    /// Tells findings by where they belong: by the line of the patch, else by the file's name.
    fn sort(&self, files: &[FilePatch]) -> Sorted {
        let by_name = names(files);
        let mut sorted = Sorted {
            general: Vec::new(),
            by_file: vec![Vec::new(); files.len()],
            absent: Vec::new(),
        };
        let mut absent: HashMap<&str, usize> = HashMap::new();
        for (ix, finding) in self.findings.iter().enumerate() {
            let by_line = finding.evidence.patch_line.and_then(|line| {
                let after = files.partition_point(|file| file.line < line.0);
                after.checked_sub(1)
            });
            let path = finding
                .evidence
                .path
                .as_deref()
                .filter(|path| !path.is_empty());
            let file = by_line.or_else(|| by_name.get(path?).copied());
            match (file.and_then(|file| sorted.by_file.get_mut(file)), path) {
                (Some(of_file), _) => of_file.push(ix),
                (None, Some(path)) => {
                    let at = *absent.entry(path).or_insert_with(|| {
                        sorted.absent.push((path.to_owned(), Vec::new()));
                        sorted.absent.len() - 1
                    });
                    if let Some((_, found)) = sorted.absent.get_mut(at) {
                        found.push(ix);
                    }
                }
                (None, None) => sorted.general.push(ix),
            }
        }
        sorted
    }

    /// A finding as a row of its own.
    fn finding_row(&mut self, ix: usize, before: &str) {
        let Some(finding) = self.findings.get(ix) else {
            return;
        };
        let row = finding.remark(before, "").drawn(0);
        self.marks.push(PatchMark {
            place: self.page.place(),
            sense: finding.evidence.sense,
            of: finding.of.clone(),
        });
        self.page.row(row);
    }

    /// How many of the findings object, were missed, were hit.
    fn found(&self, found: &[usize]) -> [usize; 3] {
        let count = |sense| {
            let senses = found.iter().filter_map(|ix| self.findings.get(*ix));
            senses
                .filter(|finding| finding.evidence.sense == sense)
                .count()
        };
        [Sense::Objection, Sense::Missed, Sense::Hit].map(count)
    }

    /// The title of a file.
    fn title(&mut self, mut file: PatchFile, words: &str) {
        let title = [
            (file.path.clone(), Role::Strong),
            (words.to_owned(), Role::Dim),
        ];
        let mut meta: Vec<Label> = Vec::new();
        if file.added + file.removed > 0 {
            let counts = format!(
                "+{} −{}",
                figures::count(file.added),
                figures::count(file.removed)
            );
            meta.push((counts, Role::Text));
        }
        let senses = [Sense::Objection, Sense::Missed, Sense::Hit]
            .into_iter()
            .zip(file.found);
        for (sense, count) in senses.filter(|(_, count)| *count > 0) {
            let (sign, role) = sense_sign(sense);
            meta.push((format!("{sign}{}", figures::count(count)), role));
        }
        self.page.section(&title, &meta);
        let place = self.page.place();
        file.place = Place {
            row: place.row.saturating_sub(1),
            ..place
        };
        self.files.push(file);
    }

    fn file(&mut self, file: FilePatch, found: &[usize]) {
        let (added, removed) = file.counts();
        let row = PatchFile {
            path: file.path().to_owned(),
            letter: letter(&file),
            added,
            removed,
            found: self.found(found),
            place: self.page.place(),
        };
        self.title(row, &edit::kind_words(&file));
        if file.is_binary {
            self.page.say("(binary)", Role::Placeholder);
        }
        if let (Some(old), Some(new)) = (&file.old_mode, &file.new_mode) {
            self.page.say(&format!("mode {old} → {new}"), Role::Dim);
        }
        if file.is_damaged {
            let text = "(a hunk is cut off, or its counts are wrong)";
            self.page.say(text, Role::Warning);
        }
        let gold = names_of(&file).find_map(|name| self.gold(name));
        let gold = gold.map(|gold| (reached(&gold, &touched(&file)), gold));
        if file.hunks.is_empty() {
            for ix in found {
                self.finding_row(*ix, "");
            }
        } else {
            self.changes(file, found);
        }
        if let Some((reached, gold)) = gold {
            self.page.gap();
            self.page.say("the reference patch here:", Role::Heading);
            self.reference_changes(gold, &reached);
        }
    }

    /// The hunks of a file with the findings beside the lines.
    fn changes(&mut self, file: FilePatch, found: &[usize]) {
        let spots: Vec<(Spot, usize)> = {
            let texts = HunkText::of(&file);
            let spot = |ix: &usize| Some((locate(&file, &texts, self.findings.get(*ix)?), *ix));
            found.iter().filter_map(spot).collect()
        };
        let remarks = self.remarks(&spots);
        let lines: usize = file.hunks.iter().map(|hunk| hunk.lines.len()).sum();
        let is_open = lines <= OPEN_LINES || !found.is_empty();
        let folding = Folding::whole("changes of this file", is_open);
        let path = file.path().to_owned();
        let (block, rows) = edit::change(&mut self.page, &path, file.hunks, folding, remarks);
        for (spot, ix) in spots {
            if let Some(finding) = self.findings.get(ix) {
                let row = rows.get(&spot).copied().unwrap_or(0);
                self.marks.push(PatchMark {
                    place: Place { block, row },
                    sense: finding.evidence.sense,
                    of: finding.of.clone(),
                });
            }
        }
    }

    /// Remarks and signs: one remark below a run of lines of which the same is said.
    fn remarks(&self, spots: &[(Spot, usize)]) -> Remarks {
        let mut remarks = Remarks::default();
        let mut groups: Vec<(usize, Vec<Spot>)> = Vec::new();
        let mut known = HashMap::new();
        for (spot, ix) in spots {
            let Some(finding) = self.findings.get(*ix) else {
                continue;
            };
            if spot.line.is_none() {
                let remark = finding.remark(&beyond(finding), "");
                remarks.notes.entry(*spot).or_default().push(remark);
                continue;
            }
            let key = (
                finding.evidence.sense,
                finding.evidence.why.as_str(),
                finding.who(),
            );
            let at = *known.entry(key).or_insert_with(|| {
                groups.push((*ix, Vec::new()));
                groups.len() - 1
            });
            if let Some((_, group)) = groups.get_mut(at) {
                group.push(*spot);
            }
            let sign = sense_sign(finding.evidence.sense);
            let weight = |sign: &str| ["·", "✓", "○", "✗"].iter().position(|s| *s == sign);
            let have = remarks.signs.entry(*spot).or_insert(sign);
            if weight(sign.0) > weight(have.0) {
                *have = sign;
            }
        }
        for (ix, mut group) in groups {
            let Some(finding) = self.findings.get(ix) else {
                continue;
            };
            group.sort_unstable();
            group.dedup();
            let follows = |a: &Spot, b: &Spot| a.hunk == b.hunk && a.line.map(|l| l + 1) == b.line;
            for run in group.chunk_by(follows) {
                let Some(last) = run.last() else { continue };
                let before = if finding.evidence.sense == Sense::Missed {
                    "missed: "
                } else {
                    ""
                };
                let after = match run.len() {
                    1 => String::new(),
                    lines => format!(" ({lines} lines)"),
                };
                let remark = finding.remark(before, &after);
                remarks.notes.entry(*last).or_default().push(remark);
            }
        }
        remarks
    }

    /// The part of the reference patch about a file, where it is shown.
    fn gold(&self, path: &str) -> Option<FilePatch> {
        let ix = self.reference_names.get(path)?;
        let gold = self.reference.get(*ix).filter(|_| self.shows_reference)?;
        Some(gold.clone())
    }

    /// What was expected in a file that the patch does not touch.
    fn absent(&mut self, path: &str, found: &[usize]) {
        let row = PatchFile {
            path: path.to_owned(),
            letter: '-',
            added: 0,
            removed: 0,
            found: self.found(found),
            place: self.page.place(),
        };
        self.title(row, "not in the patch");
        for ix in found {
            let before = self.findings.get(*ix).map(beyond).unwrap_or_default();
            self.finding_row(*ix, &before);
        }
        if let Some(gold) = self.gold(path) {
            self.page.gap();
            self.page.say("the reference patch here:", Role::Heading);
            self.reference_changes(gold, &[]);
        }
    }

    /// The files of the reference patch that were not shown yet.
    fn rest_of_reference(&mut self) {
        if !self.shows_reference {
            return;
        }
        let shown: HashSet<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        let is_shown = |gold: &&FilePatch| names_of(gold).any(|name| shown.contains(name));
        let rest = self.reference.iter().filter(|gold| !is_shown(gold));
        let rest: Vec<FilePatch> = rest.cloned().collect();
        for gold in rest {
            let (added, removed) = gold.counts();
            let (missed, what) = if self.is_task {
                (0, "in the reference patch")
            } else {
                (gold.hunks.len(), "missed: only in the reference patch")
            };
            let row = PatchFile {
                path: gold.path().to_owned(),
                letter: if self.is_task { letter(&gold) } else { '-' },
                added,
                removed,
                found: [0, missed, 0],
                place: self.page.place(),
            };
            self.title(row, what);
            self.reference_changes(gold, &[]);
        }
    }

    /// The hunks of a file of the reference patch, each told whether the patch reached it.
    fn reference_changes(&mut self, gold: FilePatch, reached: &[bool]) {
        let mut remarks = Remarks::default();
        let remarked = if self.is_task { 0 } else { gold.hunks.len() };
        for hunk in 0..remarked {
            let (sense, text) = if reached.get(hunk) == Some(&true) {
                (Sense::Hit, "the patch touches these lines")
            } else {
                (
                    Sense::Missed,
                    "missed: the patch does not touch these lines",
                )
            };
            let (sign, role) = sense_sign(sense);
            let remark = Remark {
                sign,
                role,
                text: text.to_owned(),
                who: "reference",
            };
            remarks
                .notes
                .insert(Spot { hunk, line: None }, vec![remark]);
        }
        let path = gold.path().to_owned();
        let folding = Folding::whole("the reference patch of this file", true);
        if gold.hunks.is_empty() {
            self.page.say("(no lines of it change)", Role::Placeholder);
        } else {
            edit::change(&mut self.page, &path, gold.hunks, folding, remarks);
        }
    }
}

/// What stands before the reason of a finding that is at no line of the patch.
fn beyond(finding: &Finding<'_>) -> String {
    let line = finding.evidence.line.map(|line| format!("line {}", line.0));
    match (finding.evidence.sense, line) {
        (Sense::Missed, Some(line)) => format!("missed, {line}: "),
        (Sense::Missed, None) => "missed: ".to_owned(),
        (_, Some(line)) => format!("{line}: "),
        (_, None) => String::new(),
    }
}

fn letter(file: &FilePatch) -> char {
    match file.kind {
        _ if file.is_binary => 'B',
        PatchKind::Modified => 'M',
        PatchKind::Added => 'A',
        PatchKind::Deleted => 'D',
        PatchKind::Renamed => 'R',
        PatchKind::Copied => 'C',
    }
}

/// The names of a file, the new one first.
fn names_of(file: &FilePatch) -> impl Iterator<Item = &str> {
    [&file.new_path, &file.old_path]
        .into_iter()
        .flatten()
        .map(String::as_str)
}

/// Files by their names; the first of several with one name.
fn names(files: &[FilePatch]) -> HashMap<&str, usize> {
    let mut by_name = HashMap::new();
    for (ix, file) in files.iter().enumerate() {
        for name in names_of(file) {
            by_name.entry(name).or_insert(ix);
        }
    }
    by_name
}

/// The lines of the file before it that a patch touches, ascending: removed ones, and those before which it adds.
fn touched(file: &FilePatch) -> Vec<usize> {
    let mut lines = Vec::new();
    for hunk in &file.hunks {
        let mut old_no = hunk
            .old_start
            .saturating_add(usize::from(hunk.old_len == 0));
        for line in &hunk.lines {
            if line.tag != DiffTag::Same {
                lines.push(old_no);
            }
            old_no = old_no.saturating_add(usize::from(line.tag != DiffTag::Added));
        }
    }
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// Which hunks of the reference patch have a touched line in or near what they change.
fn reached(gold: &FilePatch, touched: &[usize]) -> Vec<bool> {
    let is_reached = |hunk: &crate::diff::Hunk| {
        let one = FilePatch {
            hunks: vec![hunk.clone()],
            ..FilePatch::default()
        };
        let lines = self::touched(&one);
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
            return false;
        };
        let from = touched.partition_point(|line| line.saturating_add(NEAR_LINES) < *first);
        touched
            .get(from)
            .is_some_and(|line| *line <= last.saturating_add(NEAR_LINES))
    };
    gold.hunks.iter().map(is_reached).collect()
}

/// Where the lines of a hunk stand in the text of the patch.
struct HunkText {
    /// The 0-based text line of the first line.
    first: usize,
    /// Lines that a `\ No newline` follows, ascending: each moves those after it on by one.
    breaks: Vec<usize>,
    len: usize,
}

impl HunkText {
    fn of(file: &FilePatch) -> Vec<Self> {
        let hunks = file.hunks.iter().zip(&file.hunk_lines);
        let text = |(hunk, heading): (&crate::diff::Hunk, &usize)| Self {
            first: heading + 1,
            breaks: (0..hunk.lines.len())
                .filter(|ix| hunk.lines.get(*ix).is_some_and(|line| line.no_newline))
                .collect(),
            len: hunk.lines.len(),
        };
        hunks.map(text).collect()
    }

    /// The line of the hunk that stands at a 0-based line of the text.
    fn line_at(&self, text_line: usize) -> Option<usize> {
        let place = |line: usize| self.first + line + self.breaks.partition_point(|at| *at < line);
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = usize::midpoint(low, high);
            if place(middle) < text_line {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low < self.len && place(low) == text_line).then_some(low)
    }
}

/// The spot of a finding: its line of the patch, else its line of the file, else between the hunks.
fn locate(file: &FilePatch, texts: &[HunkText], finding: &Finding<'_>) -> Spot {
    let evidence = finding.evidence;
    if let Some(text_line) = evidence.patch_line.and_then(|line| line.0.checked_sub(1)) {
        let after = texts.partition_point(|text| text.first <= text_line);
        let hunk = after.saturating_sub(1);
        let line = texts.get(hunk).and_then(|text| text.line_at(text_line));
        if line.is_some() {
            return Spot { hunk, line };
        }
    }
    let end = Spot {
        hunk: file.hunks.len(),
        line: None,
    };
    let Some(line_no) = evidence.line else {
        return Spot {
            hunk: 0,
            line: None,
        };
    };
    // missed places are told by the file before the patch, all others by the file after it
    let is_old = evidence.sense == Sense::Missed;
    let start = |hunk: &crate::diff::Hunk| {
        if is_old {
            hunk.old_start
        } else {
            hunk.new_start
        }
    };
    let after = file.hunks.partition_point(|hunk| start(hunk) <= line_no.0);
    if let Some(hunk) = after.checked_sub(1)
        && let Some(lines) = file.hunks.get(hunk).map(|hunk| &hunk.lines)
    {
        let has_line = |line: &crate::diff::DiffLine| {
            let no = if is_old { line.old_no } else { line.new_no };
            no == Some(line_no.0)
        };
        let line = lines.iter().position(has_line);
        if line.is_some() {
            return Spot { hunk, line };
        }
    }
    if after < file.hunks.len() {
        Spot {
            hunk: after,
            line: None,
        }
    } else {
        end
    }
}
