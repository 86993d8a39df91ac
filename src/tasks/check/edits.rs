//! Edits that the checks make themselves: a right one, and wrong ones of several kinds.
//!
//! Every edit is made from the base state; wrong ones hold what is right as far as they can, so that one thing alone is
//! wrong with them.

use std::collections::BTreeMap;

use crate::diff::DiffTag;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Value;
use crate::patch::parse_patch;
use crate::python::Definition;
use crate::python::Documented;
use crate::python::Source;
use crate::python::definitions::function_text;
use crate::replay::localize_targets;
use crate::tasks::base::plain_path;
use crate::tasks::check::gold::commentable;
use crate::tasks::check::gold::dependencies;
use crate::tasks::check::ground::Text;
use crate::tasks::check::places::last_part;
use crate::tasks::check::places::line;
use crate::tasks::check::places::path_of;
use crate::tasks::check::places::text;
use crate::tasks::check::work::Base;
use crate::tasks::check::work::Edit;
use crate::tasks::check::work::NEW_FILE;
use crate::tasks::check::work::Work;
use crate::tasks::check::work::edited;
use crate::tasks::check::work::nothing;
use crate::tasks::check::work::part;

/// A statement that no file has.
const STATEMENT: &str = "hgview_check_edit = 1";

/// A right edit and wrong ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edits {
    pub(super) right: Edit,
    pub(super) wrong: Vec<Edit>,
}

/// The edits for a task.
///
/// # Errors
/// In words: there is no place for what the task asks for.
pub(super) fn edits(task: &Task, instance: &Value, base: &Base<'_>) -> Result<Edits, String> {
    match task.kind {
        TaskKind::FuncLocalize => localize(instance, base),
        TaskKind::DepSearch => search(instance, base),
        TaskKind::IssueLocalize => issue(task, base),
        _ => generate(instance, base),
    }
}

/// The blanks before a line.
fn indent(line: &str) -> &str {
    let text = line.trim_start_matches([' ', '\t']);
    line.get(..line.len() - text.len()).unwrap_or_default()
}

/// The indentation of a definition's body; `None` where it stands behind the header.
fn body_indent<'t>(file: &'t Text, source: &Source<'_>, found: &Definition) -> Option<&'t str> {
    let first = source.line_below(found.header_end.0)?;
    let is_inside = first > found.header_end.0 && first <= found.last.0;
    is_inside.then(|| indent(file.line(first)))
}

/// A target of `func_localize` in the base state.
struct Place {
    path: String,
    /// The line above which its docstring goes.
    line: usize,
    indent: String,
}

impl Place {
    fn lines(&self, lines: &[&str]) -> Vec<String> {
        lines
            .iter()
            .map(|line| format!("{}{line}", self.indent))
            .collect()
    }
}

fn localize(instance: &Value, base: &Base<'_>) -> Result<Edits, String> {
    const DOCSTRING: [&str; 2] = ["\"\"\"Do what the description says.", "\"\"\""];
    let targets = localize_targets(instance);
    let mut places: Vec<Place> = Vec::new();
    // of each file those that are to be documented
    let mut right: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for target in targets {
        let path = plain_path(path_of(target, instance))?;
        let (old, file) = (base.ground.text(&path)?, base.text(&path)?);
        let name = last_part(text(target, "module_name"));
        let start = line(target, "module_line_start").unwrap_or_default();
        let (ix, _) = old
            .definition_at(name, start)
            .ok_or("the target is not found")?;
        let found = file.outline.get(ix).filter(|found| found.name == name);
        let found =
            found.ok_or_else(|| format!("{path}: `{name}` is not found in the base state"))?;
        let indent = body_indent(&file, &Source::whole(&file.whole), found);
        let indent = indent
            .ok_or_else(|| format!("{path}: there is no place for a docstring in `{name}`"))?;
        places.push(Place {
            path: path.clone(),
            line: found.header_end.0 + 1,
            indent: indent.to_owned(),
        });
        right.entry(path).or_default().push(ix);
    }
    let first = places.first().ok_or("the task has no target")?;
    let with = |lines: &[&str]| {
        let mut work = Work::new(base);
        for place in &places {
            work.add(&place.path, place.line, place.lines(lines));
        }
        work
    };
    let mut elsewhere = Work::new(base);
    match undocumented(base, &right)? {
        Some(place) => elsewhere.add(&place.path, place.line, place.lines(&DOCSTRING)),
        None => {
            elsewhere = elsewhere.with_new_file("\"\"\"Do what the description says.\n\"\"\"\n");
        }
    }
    let gold = with(&DOCSTRING);
    let wrong = vec![
        nothing(),
        elsewhere.edit("docstring in another place")?,
        with(&["# Do what the description says."]).edit("comment where a docstring is due")?,
        with(&["\"\"\"", "\"\"\""]).edit("docstring without a word")?,
        gold.clone()
            .remove_code(&first.path)?
            .edit("code removed beside the docstring")?,
    ];
    Ok(Edits {
        right: gold.edit("docstring at the target")?,
        wrong,
    })
}

/// A definition without docstring that is no target, in a target's file or else in another one.
fn undocumented(
    base: &Base<'_>,
    right: &BTreeMap<String, Vec<usize>>,
) -> Result<Option<Place>, String> {
    /// Definitions of other files that are looked at.
    const MOST: usize = 50;
    let place = |path: &str, file: &Text, found: &Definition| {
        let indent = body_indent(file, &Source::whole(&file.whole), found)?;
        Some(Place {
            path: path.to_owned(),
            line: found.header_end.0 + 1,
            indent: indent.to_owned(),
        })
    };
    for (path, right) in right {
        let file = base.text(path)?;
        let others = file.outline.iter().enumerate();
        let mut others = others
            .filter(|(ix, found)| found.documented == Documented::No && !right.contains(ix))
            .take(MOST);
        if let Some(place) = others.find_map(|(_, found)| place(path, &file, found)) {
            return Ok(Some(place));
        }
    }
    let all = base.ground.seed.index.definitions();
    let mut others = all
        .filter(|one| one.definition.documented == Documented::No && !right.contains_key(one.path))
        .take(MOST);
    Ok(others.find_map(|one| {
        let file = base.text(one.path).ok()?;
        place(one.path, &file, one.definition)
    }))
}

fn search(instance: &Value, base: &Base<'_>) -> Result<Edits, String> {
    let name = text(instance, "target_function_name");
    let says = |name: &str| format!("# this function/class is called by the {name} function");
    let place = |path: &str, name: &str, start: Option<usize>| {
        let path = plain_path(path)?;
        let file = base.text(&path)?;
        let found = file.definition_at(last_part(name), start.unwrap_or_default());
        let (_, found) = found.ok_or_else(|| format!("{path}: `{name}` is not found"))?;
        let indent = indent(file.line(found.first.0)).to_owned();
        Ok::<_, String>((path, found.first.0, indent))
    };
    let rows = dependencies(instance).iter();
    let places = rows.map(|row| {
        place(
            text(row, "file_path"),
            text(row, "name"),
            line(row, "line_start"),
        )
    });
    let places = places.collect::<Result<Vec<_>, _>>()?;
    let own = place(
        text(instance, "target_function_file"),
        name,
        line(instance, "target_function_line_start"),
    )?;
    let with = |places: &[(String, usize, String)], name: &str| {
        let mut work = Work::new(base);
        for (path, line, indent) in places {
            work.add(path, *line, vec![format!("{indent}{}", says(name))]);
        }
        work
    };
    let (last, rest) = places
        .split_last()
        .ok_or("there is no dependency to find")?;
    let right = with(&places, name);
    let moved = [rest, std::slice::from_ref(&own)].concat();
    let more = [&places[..], std::slice::from_ref(&own)].concat();
    let mut wrong = vec![
        nothing(),
        with(&moved, name).edit("annotation in another place")?,
        with(&more, name).edit("one annotation too many")?,
        with(&places, "another").edit("another name in the annotation")?,
        right
            .clone()
            .remove_code(&last.0)?
            .edit("code removed beside the annotations")?,
    ];
    if !rest.is_empty() {
        wrong.push(with(rest, name).edit("one dependency missing")?);
    }
    Ok(Edits {
        right: right.edit("annotation above every dependency")?,
        wrong,
    })
}

fn issue(task: &Task, base: &Base<'_>) -> Result<Edits, String> {
    const COMMENT: &str = "# The issue concerns this place.";
    let text = task.gold_patch.as_deref().unwrap_or_default();
    let gold = parse_patch(text);
    let mut right = Work::new(base);
    let mut first = None;
    for file in commentable(&gold) {
        let path = plain_path(file.path())?;
        let known = base.text(&path)?;
        let hunk = file.hunks.first();
        let at = hunk.map_or(0, |hunk| {
            let changed = hunk.lines.iter().position(|line| line.tag != DiffTag::Same);
            hunk.old_start.saturating_sub(1) + changed.unwrap_or_default()
        });
        // the first statement that begins there or below, or the one that goes on over it
        let source = Source::whole(&known.whole);
        let below = at
            .checked_sub(1)
            .map_or_else(|| source.line_below(0), |above| source.line_below(above));
        let at = below.unwrap_or_else(|| known.line_count());
        right.add(
            &path,
            at,
            vec![format!("{}{COMMENT}", indent(known.line(at)))],
        );
        first.get_or_insert(path);
    }
    let first = first.ok_or("the gold patch changes no Python file that is there")?;
    let paths: Vec<&str> = gold
        .iter()
        .flat_map(|file| [file.old_path.as_deref(), file.new_path.as_deref()])
        .flatten()
        .collect();
    let mut elsewhere = Work::new(base);
    let others = base.ground.seed.index.definitions();
    match others
        .map(|one| one.path)
        .find(|path| !paths.contains(path))
    {
        Some(path) => {
            let end = base.text(path)?.line_count();
            elsewhere.add(path, end, vec![COMMENT.to_owned()]);
        }
        None => elsewhere = elsewhere.with_new_file("# The issue concerns this place.\n"),
    }
    let applied = Edit {
        name: "the gold patch itself",
        patch: text.to_owned(),
        ..nothing()
    };
    let wrong = vec![
        nothing(),
        elsewhere.edit("comment in another file")?,
        applied,
        right
            .clone()
            .remove_code(&first)?
            .edit("code removed beside the comment")?,
        right
            .clone()
            .with_new_file("print(\"checked\")\n")
            .edit("a script added beside the comment")?,
    ];
    Ok(Edits {
        right: right.edit("comment at the gold patch's places")?,
        wrong,
    })
}

fn generate(instance: &Value, base: &Base<'_>) -> Result<Edits, String> {
    let path = plain_path(text(instance, "file_path"))?;
    let name = text(instance, "func_name");
    let masked = base.text(&path)?;
    // masking makes line ends those of Python's text files
    let original = base
        .ground
        .text(&path)?
        .whole
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let of = |kind: &'static str, new: &str| Edit {
        name: kind,
        patch: part(&path, Some(&masked.whole), new),
        answer: function_text(new, name),
        needs_program: false,
    };
    let outside = edited(
        &original,
        &BTreeMap::from([(0, vec![STATEMENT.to_owned()])]),
        None,
    );
    let broken = format!("{}\ndef (\n", original.trim_end_matches('\n'));
    let todo = "pass  # TODO: Implement this function";
    let raises = masked.whole.replacen(todo, "raise NotImplementedError", 1);
    let new_file = format!("{STATEMENT}\n");
    let wrong = vec![
        nothing(),
        Edit {
            patch: part(NEW_FILE, None, &new_file),
            answer: function_text(&masked.whole, name),
            ..of("another file changed", &masked.whole)
        },
        of("code added outside the function", &outside),
        of("file that does not parse", &broken),
        Edit {
            needs_program: true,
            ..of("body that raises", &raises)
        },
    ];
    Ok(Edits {
        right: of("the original body", &original),
        wrong,
    })
}
