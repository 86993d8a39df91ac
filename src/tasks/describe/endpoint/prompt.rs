//! What a model is asked about a definition.

use minijinja::Environment;
use minijinja::UndefinedBehavior;
use minijinja::context;

use crate::error::Error;
use crate::error::Result;
use crate::python::DefinitionKind;
use crate::tasks::LeftOut;
use crate::tasks::describe::Subject;

/// The template that is built in.
const BUILT_IN: &str = include_str!("prompt.j2");
/// Bytes of a definition that are shown; of what is longer, the beginning.
const MOST_SOURCE: usize = 24 << 10;
const NAME: &str = "prompt";

/// A template with the fields of a [`Subject`] and `kind`, which is `function` or `class`.
#[derive(Debug)]
pub(super) struct Prompt(Environment<'static>);

impl Prompt {
    /// The template that is given, or the one that is built in.
    ///
    /// # Errors
    /// *user* when it is no template, or asks for what no definition has.
    pub(super) fn new(template: Option<&str>) -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let source = template.unwrap_or(BUILT_IN).to_owned();
        let wrong = |err| Error::user("the template of descriptions").caused_by(err);
        environment
            .add_template_owned(NAME, source)
            .map_err(wrong)?;
        let prompt = Self(environment);
        prompt.render(&EXAMPLE).map_err(wrong)?;
        Ok(prompt)
    }

    /// What is asked about a definition.
    ///
    /// # Errors
    /// The template makes nothing of it.
    pub(super) fn of(&self, subject: &Subject<'_>) -> Result<String, LeftOut> {
        self.render(subject).map_err(|err| LeftOut {
            reason: "the template of descriptions fails",
            detail: err.to_string(),
        })
    }

    fn render(&self, subject: &Subject<'_>) -> Result<String, minijinja::Error> {
        let template = self.0.get_template(NAME)?;
        let source = template.render(context! {
            kind => match subject.kind {
                DefinitionKind::Function => "function",
                DefinitionKind::Class => "class",
            },
            name => subject.name,
            qualified_name => subject.qualified_name,
            path => subject.path,
            source => beginning(subject.source),
            docstring => beginning(subject.docstring),
            signature => beginning(subject.signature),
        })?;
        Ok(source.trim().to_owned())
    }
}

/// What a template is tried with.
const EXAMPLE: Subject<'static> = Subject {
    kind: DefinitionKind::Function,
    name: "f",
    qualified_name: "f",
    path: "m.py",
    source: "def f(): pass",
    docstring: "",
    signature: "def f():",
    at: None,
};

/// Whole lines of a text, as many as are shown.
fn beginning(text: &str) -> String {
    if text.len() <= MOST_SOURCE {
        return text.to_owned();
    }
    let head = text.get(..text.floor_char_boundary(MOST_SOURCE));
    let head = head.unwrap_or_default();
    let whole = head.rfind('\n').and_then(|end| head.get(..end));
    format!("{}\n…", whole.unwrap_or(head))
}
