//! What a task says of its repository: its places, how hard it may be, and the page of a place in its file.

use std::sync::Arc;

use crate::model::LineIx;
use crate::model::Task;
use crate::model::Text;
use crate::tasks::Difficulty;
use crate::tasks::PlaceRole;
use crate::tasks::TaskPlace;
use crate::text::human;
use crate::theme::Role;
use crate::ui::page::build::Builder;
use crate::ui::page::build::Folding;
use crate::ui::page::build::Label;
use crate::ui::page::drawn::Lang;
use crate::ui::page::figures;

/// Lines of a file that stay in sight around a place.
const CONTEXT: usize = 6;

/// Places that are told among the facts of a task.
const TOLD: usize = 12;

/// `path:first-last`, counted from 1.
pub(super) fn where_is(place: &TaskPlace) -> String {
    match place.lines {
        Some((first, last)) if first == last => format!("{}:{}", place.path, first.0 + 1),
        Some((first, last)) => format!("{}:{}-{}", place.path, first.0 + 1, last.0 + 1),
        None => place.path.clone(),
    }
}

/// Writes the targets and what they depend on; the gold patch is shown as it is elsewhere.
pub(super) fn places(page: &mut Builder, places: &[TaskPlace]) {
    let told = places.iter().filter(|place| place.role != PlaceRole::Gold);
    let count = told.clone().count();
    for place in told.take(TOLD) {
        let at = where_is(place);
        let pieces: [Label; 3] = [
            (place.name.clone(), Role::Strong),
            (place.kind.clone(), Role::Dim),
            (at, Role::Info),
        ];
        page.labels_fact(place.role.name(), &pieces);
    }
    if count > TOLD {
        let more = format!("⋯ {} more", figures::count(count - TOLD));
        page.fact_in("", &more, Role::Dim);
    }
}

/// Writes how hard the task may be.
pub(super) fn difficulty(page: &mut Builder, task: &Task, places: &[TaskPlace]) {
    let known = Difficulty::of(task, places);
    if known == Difficulty::default() {
        return;
    }
    page.section(&[("difficulty".to_owned(), Role::Title)], &[]);
    let role = Role::Text;
    if known.to_find > 0 {
        let files = human::plural(known.in_files, "file");
        let mut pieces: Vec<Label> = vec![
            (human::plural(known.to_find, "place"), role),
            (format!("in {files}"), role),
        ];
        if known.elsewhere < known.in_files {
            let elsewhere = match known.elsewhere {
                0 => "none outside the target's".to_owned(),
                some => format!("{some} outside the target's"),
            };
            pieces.push((elsewhere, Role::Dim));
        }
        page.labels_fact("to find", &pieces);
    }
    let space: Vec<Label> = [(known.definitions, "definition"), (known.files, "file")]
        .into_iter()
        .filter_map(|(count, of)| {
            let count = usize::try_from(count?).ok()?;
            Some((human::plural(count, of), role))
        })
        .collect();
    page.labels_fact("search space", &space);
    let depth = known.depth.map(|depth| depth.to_string());
    page.fact("call depth", depth.as_deref());
    let lines = known.target_lines.map(|lines| human::plural(lines, "line"));
    page.fact("target", lines.as_deref());
}

/// Writes a place in its file: the file before and behind it is folded. `file` is its text, or says in words why there is
/// none.
pub(super) fn place(page: &mut Builder, place: &TaskPlace, file: Result<Text, String>) {
    let title: [Label; 2] = [
        (place.role.name().to_owned(), Role::Title),
        (place.name.clone(), Role::Strong),
    ];
    page.section(&title, &[(where_is(place), Role::Dim)]);
    let text = match file {
        Ok(text) => text,
        Err(why) => {
            page.say(&why, Role::Placeholder);
            return;
        }
    };
    let Some((first, last)) = place.find(&text) else {
        page.say("the file has no such lines", Role::Warning);
        lines_of(
            page,
            &place.path,
            &text,
            (0, text.lines().count()),
            ' ',
            Folding::NONE,
        );
        return;
    };
    let (LineIx(first), end) = (first, last.0 + 1);
    let before = Folding {
        limit: CONTEXT + 2,
        head: 0,
        tail: CONTEXT,
        label: None,
        is_open: false,
    };
    let behind = Folding::to_head(CONTEXT + 2, CONTEXT);
    lines_of(page, &place.path, &text, (0, first), ' ', before);
    lines_of(page, &place.path, &text, (first, end), '▎', Folding::NONE);
    let count = text.lines().count();
    lines_of(page, &place.path, &text, (end, count), ' ', behind);
}

/// Writes the lines `from..to` of a file with their numbers.
fn lines_of(
    page: &mut Builder,
    path: &str,
    text: &Text,
    (from, to): (usize, usize),
    sign: char,
    folding: Folding,
) {
    if from >= to {
        return;
    }
    let lang = Arc::new(Lang::File {
        path: path.to_owned(),
        first_line: text.lines().next().unwrap_or_default().to_owned(),
    });
    let start_of = |line: usize| {
        let starts = text.split_inclusive('\n').take(line);
        starts.map(str::len).sum::<usize>()
    };
    let piece: Text = Arc::from(text.get(start_of(from)..start_of(to)).unwrap_or_default());
    page.numbered(&piece, from + 1, sign, lang, folding);
}
