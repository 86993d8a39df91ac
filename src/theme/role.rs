//! The roles that text can play on the screen. Views name roles, themes give them colours.

use crate::model::ActionClass;

/// What a piece of the screen is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Less important text.
    Dim,
    /// Important text.
    Strong,
    /// Titles of panes and sections.
    Title,
    /// Lines between panes.
    Border,
    /// Lines around the pane that has the keys.
    BorderFocus,
    /// The row under the cursor, in the pane that has the keys (a background).
    Cursor,
    /// The row under the cursor in another pane.
    CursorUnfocused,
    /// Letters that a fuzzy pattern matched.
    Match,
    /// A search hit.
    Hit,
    /// The search hit the cursor is on.
    HitCurrent,
    /// The status line.
    Status,
    /// The name of the screen in the status line.
    StatusMode,
    /// Names of keys.
    Key,
    /// Headers of tables.
    Header,
    /// Good news; resolved.
    Success,
    /// Bad news; failed, faults.
    Error,
    /// Worth a look.
    Warning,
    /// A message.
    Info,
    /// Overlay boxes (a background).
    Overlay,
    /// Steps that run commands.
    ClassShell,
    /// Steps that show files.
    ClassView,
    /// Steps that change files.
    ClassEdit,
    /// Steps that look for text or files.
    ClassSearch,
    /// Steps that think.
    ClassThink,
    /// The step that ends the attempt.
    ClassFinish,
    /// Steps that plan.
    ClassPlan,
    /// Steps that use the web.
    ClassWeb,
    /// Steps that hand work on.
    ClassDelegate,
    /// Steps of other tools.
    ClassOther,
    /// The system prompt.
    KindSystem,
    /// What the user said.
    KindUser,
    /// Rows of context.
    KindContext,
    /// An added line (with background where the depth allows).
    DiffAdd,
    /// A removed line.
    DiffDel,
    /// The changed words of an added line.
    DiffAddWord,
    /// The changed words of a removed line.
    DiffDelWord,
    /// A hunk's heading.
    DiffHunk,
    /// Line numbers.
    LineNo,
    /// The line that stands for folded ones.
    Fold,
    /// A Markdown heading.
    Heading,
    /// Markdown emphasis.
    Emphasis,
    /// Code inside Markdown text.
    CodeInline,
    /// A link.
    Link,
    /// A quotation.
    Quote,
    /// List bullets and rules.
    Bullet,
    /// The prompt sign before a command.
    Prompt,
    /// Placeholders: images, references, what is not shown.
    Placeholder,
    /// A passed test.
    TestPass,
    /// A failed test.
    TestFail,
    /// The error line of a traceback.
    Exception,
    /// A file position in a traceback.
    Location,
}

impl Role {
    /// All roles, in the order of their numbers.
    pub const ALL: [Self; 52] = [
        Self::Text,
        Self::Dim,
        Self::Strong,
        Self::Title,
        Self::Border,
        Self::BorderFocus,
        Self::Cursor,
        Self::CursorUnfocused,
        Self::Match,
        Self::Hit,
        Self::HitCurrent,
        Self::Status,
        Self::StatusMode,
        Self::Key,
        Self::Header,
        Self::Success,
        Self::Error,
        Self::Warning,
        Self::Info,
        Self::Overlay,
        Self::ClassShell,
        Self::ClassView,
        Self::ClassEdit,
        Self::ClassSearch,
        Self::ClassThink,
        Self::ClassFinish,
        Self::ClassPlan,
        Self::ClassWeb,
        Self::ClassDelegate,
        Self::ClassOther,
        Self::KindSystem,
        Self::KindUser,
        Self::KindContext,
        Self::DiffAdd,
        Self::DiffDel,
        Self::DiffAddWord,
        Self::DiffDelWord,
        Self::DiffHunk,
        Self::LineNo,
        Self::Fold,
        Self::Heading,
        Self::Emphasis,
        Self::CodeInline,
        Self::Link,
        Self::Quote,
        Self::Bullet,
        Self::Prompt,
        Self::Placeholder,
        Self::TestPass,
        Self::TestFail,
        Self::Exception,
        Self::Location,
    ];

    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Its name in theme files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Dim => "dim",
            Self::Strong => "strong",
            Self::Title => "title",
            Self::Border => "border",
            Self::BorderFocus => "border-focus",
            Self::Cursor => "cursor",
            Self::CursorUnfocused => "cursor-unfocused",
            Self::Match => "match",
            Self::Hit => "hit",
            Self::HitCurrent => "hit-current",
            Self::Status => "status",
            Self::StatusMode => "status-mode",
            Self::Key => "key",
            Self::Header => "header",
            Self::Success => "success",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Overlay => "overlay",
            Self::ClassShell => "class-shell",
            Self::ClassView => "class-view",
            Self::ClassEdit => "class-edit",
            Self::ClassSearch => "class-search",
            Self::ClassThink => "class-think",
            Self::ClassFinish => "class-finish",
            Self::ClassPlan => "class-plan",
            Self::ClassWeb => "class-web",
            Self::ClassDelegate => "class-delegate",
            Self::ClassOther => "class-other",
            Self::KindSystem => "kind-system",
            Self::KindUser => "kind-user",
            Self::KindContext => "kind-context",
            Self::DiffAdd => "diff-add",
            Self::DiffDel => "diff-del",
            Self::DiffAddWord => "diff-add-word",
            Self::DiffDelWord => "diff-del-word",
            Self::DiffHunk => "diff-hunk",
            Self::LineNo => "line-no",
            Self::Fold => "fold",
            Self::Heading => "heading",
            Self::Emphasis => "emphasis",
            Self::CodeInline => "code-inline",
            Self::Link => "link",
            Self::Quote => "quote",
            Self::Bullet => "bullet",
            Self::Prompt => "prompt",
            Self::Placeholder => "placeholder",
            Self::TestPass => "test-pass",
            Self::TestFail => "test-fail",
            Self::Exception => "exception",
            Self::Location => "location",
        }
    }

    /// The role with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// The role of what a step or action does; dim where nothing is done.
pub fn class_role(class: Option<ActionClass>) -> Role {
    match class {
        Some(ActionClass::Shell) => Role::ClassShell,
        Some(ActionClass::View) => Role::ClassView,
        Some(ActionClass::Edit) => Role::ClassEdit,
        Some(ActionClass::Search) => Role::ClassSearch,
        Some(ActionClass::Think) => Role::ClassThink,
        Some(ActionClass::Finish) => Role::ClassFinish,
        Some(ActionClass::Plan) => Role::ClassPlan,
        Some(ActionClass::Web) => Role::ClassWeb,
        Some(ActionClass::Delegate) => Role::ClassDelegate,
        Some(ActionClass::Other) => Role::ClassOther,
        None => Role::Dim,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_roles_of_their_names() {
        for class in [
            ActionClass::Shell,
            ActionClass::View,
            ActionClass::Edit,
            ActionClass::Search,
            ActionClass::Think,
            ActionClass::Finish,
            ActionClass::Plan,
            ActionClass::Web,
            ActionClass::Delegate,
            ActionClass::Other,
        ] {
            let wanted = format!("class-{}", class.name());
            assert_eq!(class_role(Some(class)).name(), wanted);
        }
        assert_eq!(class_role(None), Role::Dim);
    }
}
