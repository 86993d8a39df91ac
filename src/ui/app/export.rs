//! Exports from the screen: the form, the trial run that says what would come of it, the question, the report.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Error;
use crate::error::Result;
use crate::export::Curation;
use crate::export::EXPORTERS;
use crate::export::Options;
use crate::export::Prefer;
use crate::export::Report;
use crate::export::SplitBy;
use crate::export::SplitPart;
use crate::export::Target;
use crate::query::QueryError;
use crate::review::Policy;
use crate::select::Selector;
use crate::text::clean_line;
use crate::text::human;
use crate::theme::Role;
use crate::ui::action::Action;
use crate::ui::app::App;
use crate::ui::effect::Effect;
use crate::ui::effect::ExportJob;
use crate::ui::event::Exported;
use crate::ui::event::Generation;
use crate::ui::event::Tone;
use crate::ui::overlay;
use crate::ui::overlay::Field;
use crate::ui::overlay::Form;
use crate::ui::overlay::FormChange;
use crate::ui::overlay::Overlay;

/// The exports that were asked for.
#[derive(Debug, Default)]
pub(super) struct Exports {
    /// The last question's number.
    asked: Generation,
    /// What was tried out last, or is being tried out: exactly this is written when the answer is yes. `None` when the form
    /// says something else by now.
    tried: Option<ExportJob>,
    /// What is being written.
    written: Option<Generation>,
}

/// The values of the form by name.
type Values = [(&'static str, String)];

impl App {
    /// The form, filled in as it was left.
    pub(super) fn export_form(&self) -> Overlay {
        let formats = EXPORTERS.iter().map(|exporter| exporter.name).collect();
        let policies = Policy::ALL.map(Policy::name).to_vec();
        let prefers = Prefer::ALL.map(Prefer::name).to_vec();
        let split_bys = SplitBy::ALL.map(SplitBy::name).to_vec();
        let filter = self.list.how().filter.as_deref();
        let last = |name: &str| {
            let values = self.habits.export.iter().find(|(of, _)| *of == name);
            // what the list shows is what one most likely means
            let shown = filter.filter(|_| name == "where").map(Selector::text);
            shown.unwrap_or_else(|| values.map_or("", |(_, value)| value.as_str()))
        };
        let text = |name, doc| Field::text(name, doc, last(name));
        let choice = |name, doc, words| Field::choice(name, doc, words, last(name));
        let switch = |name, doc| Field::switch(name, doc, !last(name).is_empty());
        let fields = vec![
            choice(
                "format",
                "What is written; README.md tells the formats apart",
                formats,
            ),
            text("out", "The file, or the stem of the files of a split"),
            choice(
                "policy",
                "How verdicts and decisions make the outcome",
                policies,
            ),
            text(
                "filter",
                "published, strict, resolved, score>=X, file:F; empty: out goes what published rejects",
            ),
            text(
                "where",
                "A query: which records the set is made from; empty for all",
            ),
            text(
                "per-task",
                "At most so many attempts of a task; empty for all",
            ),
            choice("prefer", "Which of them", prefers),
            switch(
                "dedupe",
                "Leave out attempts of a task with the same patch or the same messages",
            ),
            text("max-tokens", "Leave out what has more; empty for no bound"),
            text(
                "tokenizer",
                "tokenizer.json; empty for an estimate: a quarter of the bytes",
            ),
            text(
                "exclude-repos",
                "A file of repositories to leave out, owner/name a line",
            ),
            text(
                "split",
                "Parts with shares, such as train=.95,val=.05; empty for one file",
            ),
            choice("split-by", "What stays together", split_bys),
            text("sample", "Keep so many, drawn at random; empty for all"),
            text("seed", "Decides sample and split"),
            text(
                "tool-prompt",
                "sft: the text behind the system prompt, with {description}",
            ),
            text(
                "chat-template",
                "chatml: tokenizer_config.json or a template; empty for Qwen2.5-Coder's",
            ),
            switch(
                "with-ids",
                "Keep instance_id and resolved beside the messages",
            ),
            switch(
                "ignore-masks",
                "Go on where the format has no place for step masks",
            ),
            switch("force", "Write over an existing file"),
        ];
        Overlay::Form(Form::new("Export", fields))
    }

    /// The form was changed or sent off: sent off, it is tried out first.
    pub(super) fn form(
        &mut self,
        values: Vec<(&'static str, String)>,
        change: FormChange,
        effects: &mut Vec<Effect>,
    ) {
        let job = export_job(&values, self.data.desk.reviewer());
        self.habits.export = values;
        // whatever was tried out before is not what the form says now
        self.exports.tried = None;
        let facts = match (job, change) {
            (Ok(_), FormChange::Edited) => Vec::new(),
            (Ok(_), FormChange::Accepted) if !self.data.scan.is_complete => {
                let text = "the inputs are still being read: try again when that is done";
                vec![(text.to_owned(), Role::Warning)]
            }
            (Ok(_), FormChange::Accepted) if self.data.desk.is_waiting() => {
                let text = "decisions are still being written down: try again in a moment";
                vec![(text.to_owned(), Role::Warning)]
            }
            // another job would end it half-way
            (Ok(_), FormChange::Accepted) if self.exports.written.is_some() => {
                let text = "an export is being written: try again when it is done";
                vec![(text.to_owned(), Role::Error)]
            }
            (Ok(mut job), FormChange::Accepted) => {
                job.generation = self.exports.asked.advance();
                job.options.dry_run = true;
                self.exports.tried = Some(job.clone());
                effects.push(Effect::Export(Box::new(job)));
                vec![("trying it out…".to_owned(), Role::Info)]
            }
            (Err(err), _) => error_lines(&err),
        };
        if let Some(Overlay::Form(form)) = self.overlays.last_mut() {
            form.set_facts(facts);
        }
    }

    /// Writes what was tried out.
    pub(super) fn export_now(&mut self, effects: &mut Vec<Effect>) {
        let Some(mut job) = self.exports.tried.take() else {
            return;
        };
        if matches!(self.overlays.last(), Some(Overlay::Form(_))) {
            self.overlays.pop();
        }
        self.status.say(Tone::Info, "exporting…".to_owned());
        job.generation = self.exports.asked.advance();
        job.options.dry_run = false;
        self.exports.written = Some(job.generation);
        effects.push(Effect::Export(Box::new(job)));
    }

    /// An export got so far.
    pub(super) fn export_went_on(&mut self, done: usize, total: usize) {
        let text = format!(
            "exporting: {} of {}",
            human::count(done),
            human::count(total)
        );
        self.status.pass(Tone::Info, text);
    }

    /// An export is over, or was tried out.
    pub(super) fn exported(&mut self, answer: Exported) {
        if self.exports.written == Some(answer.generation) {
            self.exports.written = None;
            self.written(answer.result);
        } else if self.exports.tried.as_ref().map(|job| job.generation) == Some(answer.generation) {
            self.tried_out(answer.result);
        }
    }

    fn tried_out(&mut self, result: Result<Report>) {
        let Some(Overlay::Form(form)) = self.overlays.last_mut() else {
            return;
        };
        match result {
            Ok(report) => {
                form.set_facts(Vec::new());
                let title = format!("Export {} records?", human::count(report.kept));
                let lines = clean_lines(&report);
                let question = overlay::Confirm::new(title, lines, Action::ExportNow);
                self.overlays.push(Overlay::Confirm(question));
            }
            Err(err) => form.set_facts(error_lines(&err)),
        }
    }

    fn written(&mut self, result: Result<Report>) {
        match result {
            Ok(report) => {
                let lines = clean_lines(&report);
                if let Some(first) = lines.first() {
                    self.status.say(Tone::Success, first.clone());
                }
                let lines = lines.into_iter().map(|line| (line, Role::Text)).collect();
                self.overlays
                    .push(Overlay::Report(overlay::Report::new("Exported", lines)));
            }
            Err(err) => {
                let lines = error_lines(&err).into_iter().map(|(line, _)| line);
                let text = lines.collect::<Vec<_>>().join("\n");
                self.status.say(Tone::Error, text);
            }
        }
    }
}

fn clean_lines(report: &Report) -> Vec<String> {
    let lines = report.words().into_iter();
    lines.map(|line| clean_line(&line).into_owned()).collect()
}

fn error_lines(err: &Error) -> Vec<(String, Role)> {
    let mut lines = vec![(clean_line(&err.to_string()).into_owned(), Role::Error)];
    let hints = err.hints().iter();
    lines.extend(hints.map(|hint| (clean_line(hint).into_owned(), Role::Dim)));
    lines
}

/// What the form asks for.
///
/// # Errors
/// *user* when a field is not what it should be.
fn export_job(values: &Values, me: &str) -> Result<ExportJob> {
    let value = |name: &str| {
        let found = values.iter().find(|(of, _)| *of == name);
        found.map_or("", |(_, value)| value.trim())
    };
    let path = |name| {
        Some(value(name))
            .filter(|text| !text.is_empty())
            .map(PathBuf::from)
    };
    let number = |name| match value(name) {
        "" => Ok(None),
        text => text
            .parse::<usize>()
            .map(Some)
            .map_err(|err| Error::user(format!("{name} is no number")).caused_by(err)),
    };
    let is_on = |name| !value(name).is_empty();
    if value("out").is_empty() {
        return Err(Error::user("out: name a file"));
    }
    let splits = match value("split") {
        "" => Vec::new(),
        text => SplitPart::parse_all(text)?,
    };
    let target = Target::parse(Path::new(value("out")));
    if target == Target::Stdout {
        return Err(Error::user(
            "out: the screen has no standard output; name a file",
        ));
    }
    let selector = match value("where") {
        "" => None,
        query => {
            let wrong = |err: QueryError| err.into_error(query, "where");
            Some(Arc::new(Selector::parse(query).map_err(wrong)?))
        }
    };
    let options = Options {
        curation: Curation {
            per_task: number("per-task")?,
            prefer: Prefer::from_name(value("prefer")).unwrap_or_default(),
            dedupe: is_on("dedupe"),
            max_tokens: number("max-tokens")?,
            tokenizer: path("tokenizer"),
            exclude_repos: path("exclude-repos"),
            splits,
            split_by: SplitBy::from_name(value("split-by")).unwrap_or_default(),
            sample: number("sample")?,
            seed: number("seed")?.map_or(0, |seed| seed as u64),
        },
        with_ids: is_on("with-ids"),
        ignore_masks: is_on("ignore-masks"),
        tool_prompt: path("tool-prompt"),
        chat_template: path("chat-template"),
        force: is_on("force"),
        ..Options::new(Options::parse_format(value("format"))?, target)
    };
    Ok(ExportJob {
        generation: Generation::default(),
        options,
        policy: Policy::from_name(value("policy")).unwrap_or_default(),
        filter: Some(value("filter").to_owned()).filter(|text| !text.is_empty()),
        selector,
        me: me.into(),
    })
}
