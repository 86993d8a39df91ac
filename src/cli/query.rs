//! `hgview query`: which records a query takes, how it is understood, what may be asked.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::Output;
use crate::cli::Verdict;
use crate::cli::args::QueryArgs;
use crate::cli::args::SharedArgs;
use crate::cli::records;
use crate::cli::selection::chosen;
use crate::cli::selection::parse;
use crate::error::Error;
use crate::error::Result;
use crate::model::Source;
use crate::query::Cost;
use crate::query::Explained;
use crate::query::FIELDS;
use crate::query::Field;
use crate::query::Kind;
use crate::query::STEP_FIELDS;
use crate::select::Selector;
use crate::store::Store;
use crate::text;
use crate::text::human;

/// A line of `hgview query QUERY PATH --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct QueryRow {
    /// The record's name.
    id: String,
    /// `path:N#id`.
    reference: String,
    /// The record's place among all inputs, from 1; what `--nth` takes.
    nth: usize,
    /// The file or folder.
    path: PathBuf,
    /// The member inside an archive.
    member: Option<String>,
    /// The record's place in its file, from 0; people are told it from 1.
    row: usize,
}

/// The output of `hgview query --explain --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct QueryExplanation {
    /// The query.
    query: String,
    /// What has to be read at most.
    cost: Cost,
    /// How it is understood.
    lines: Vec<Explained>,
}

/// A line of `hgview query --fields --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FieldRow {
    /// The field; `NAME` stands for a reviewer or a column.
    name: String,
    /// The type of its values.
    #[serde(rename = "type")]
    kind: String,
    /// How a value is written.
    example: &'static str,
    /// The words it takes, where it takes only some.
    words: Vec<&'static str>,
    /// What has to be read to know it.
    cost: Cost,
    /// What it is.
    doc: &'static str,
}

/// Does what was asked. *No* when no record is taken.
pub(super) fn run(
    args: &QueryArgs,
    shared: &SharedArgs,
    output: &mut Output<'_>,
) -> Result<Verdict> {
    if args.fields {
        fields(args.json, output)?;
        return Ok(Verdict::Yes);
    }
    if shared.query.is_some() {
        return Err(Error::user("`hgview query` has a query already")
            .hint("join it with that of --where by `and`"));
    }
    let text = args.query.as_deref().unwrap_or_default();
    let selector = parse(text, "the query")?;
    if args.explain {
        explain(&selector, args.json, output)?;
        return Ok(Verdict::Yes);
    }
    let store = records::load_store(&args.paths, shared, output)?;
    let chosen = chosen(Some(selector), &args.paths, &store, shared, output)?;
    if args.count {
        writeln!(output.out, "{}", chosen.len())?;
    } else {
        for ix in &chosen {
            let row = QueryRow::new(&store, *ix);
            if args.json {
                writeln!(output.out, "{}", records::to_json(&row)?)?;
            } else {
                writeln!(output.out, "{}", text::clean_line(&row.reference))?;
            }
        }
        if output.terminal.stdout {
            let (taken, all) = (human::count(chosen.len()), human::count(store.len()));
            writeln!(output.err, "{taken} of {all} records")?;
        }
    }
    Ok(if chosen.is_empty() {
        Verdict::No
    } else {
        Verdict::Yes
    })
}

impl QueryRow {
    fn new(store: &Store, ix: crate::model::RecordIx) -> Self {
        let id = store.summarize(ix).id;
        let entry = store.entry(ix);
        let member = entry.as_ref().and_then(|entry| entry.member.as_deref());
        let source = Source {
            path: entry
                .as_ref()
                .map(|entry| entry.path.to_path_buf())
                .unwrap_or_default(),
            member: member.map(str::to_owned),
            row: entry.as_ref().map_or(0, |entry| entry.row),
            ..Source::default()
        };
        Self {
            reference: source.reference(&id, None),
            id,
            nth: ix.0 + 1,
            path: source.path,
            member: source.member,
            row: source.row,
        }
    }
}

fn explain(selector: &Selector, is_json: bool, output: &mut Output<'_>) -> Result<()> {
    let query = selector.query();
    if is_json {
        let explanation = QueryExplanation {
            query: query.text().to_owned(),
            cost: query.cost(),
            lines: query.explained().to_vec(),
        };
        writeln!(output.out, "{}", records::to_json(&explanation)?)?;
        return Ok(());
    }
    for line in query.explained() {
        let indent = "  ".repeat(line.depth);
        let own = text::clean_line(&line.text);
        let meaning = text::clean_line(&line.meaning);
        let is_joint = matches!(line.text.as_str(), "and" | "or" | "not");
        if is_joint {
            writeln!(output.out, "{indent}{own}: {meaning}")?;
        } else {
            let cost = line.cost.words();
            writeln!(output.out, "{indent}{own}\n{indent}  {meaning}; {cost}")?;
        }
    }
    writeln!(
        output.out,
        "\n{} at most; what costs least is asked first",
        query.cost().words()
    )?;
    Ok(())
}

fn fields(is_json: bool, output: &mut Output<'_>) -> Result<()> {
    let all = || FIELDS.iter().chain(STEP_FIELDS);
    if is_json {
        for field in all() {
            writeln!(output.out, "{}", records::to_json(&FieldRow::new(field))?)?;
        }
        return Ok(());
    }
    let widest = |of: &dyn Fn(&Field) -> String| all().map(|field| of(field).len()).max();
    let name = widest(&Field::form).unwrap_or(0);
    let kind = widest(&Field::type_words).unwrap_or(0);
    for field in all() {
        if field.fact == STEP_FIELDS.first().map_or(field.fact, |first| first.fact) {
            writeln!(
                output.out,
                "\ninside any(…), all(…), count(…), first(…), last(…):"
            )?;
        }
        writeln!(
            output.out,
            "{:<name$}  {:<kind$}  {:<16}  {}",
            field.form(),
            field.type_words(),
            field.cost.words(),
            field.doc
        )?;
    }
    Ok(())
}

impl FieldRow {
    fn new(field: &Field) -> Self {
        Self {
            name: field.form(),
            kind: field.type_words(),
            example: field.kind.example(),
            words: match field.kind {
                Kind::Word(words) => words.all(),
                _ => Vec::new(),
            },
            cost: field.cost,
            doc: field.doc,
        }
    }
}
