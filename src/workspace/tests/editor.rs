//! Random scripts against a model of an editor: what the rebuilder calls known is what the model has.

use std::fmt::Write as _;

use serde_json::json;

use crate::cancel::Cancel;
use crate::model::Action;
use crate::model::ActionClass;
use crate::model::Edit;
use crate::model::EditOp;
use crate::model::Observation;
use crate::model::ShellCall;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Trajectory;
use crate::model::View;
use crate::workspace::FileState;
use crate::workspace::History;
use crate::workspace::tests::numbered;

/// Numbers that are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn line(&mut self) -> String {
        // few different lines: texts occur twice, and blank ones happen
        match self.below(8) {
            0 => String::new(),
            1 => "    return x".to_owned(),
            _ => format!("line {}", self.below(40)),
        }
    }

    fn lines(&mut self, most: usize) -> Vec<String> {
        (0..=self.below(most)).map(|_| self.line()).collect()
    }
}

/// The file as it is, and as it was after each step.
struct Model {
    dice: Dice,
    lines: Option<Vec<String>>,
    undo: Vec<Vec<String>>,
    states: Vec<Option<Vec<String>>>,
    steps: Vec<Step>,
}

const PATH: &str = "/testbed/src/a.py";

impl Model {
    fn push(&mut self, actions: Vec<Action>) {
        let step = Step {
            idx: self.steps.len(),
            actions,
            ..Step::new(StepKind::Agent)
        };
        self.steps.push(step);
        self.states.push(self.lines.clone());
    }

    fn text(lines: &[String]) -> String {
        let mut text = lines.join("\n");
        text.push('\n');
        text
    }

    fn act(&mut self) {
        let action = match self.dice.below(10) {
            0 | 1 => self.view(),
            2..=4 => self.replace(),
            5 => self.insert(),
            6 => self.undo(),
            7 if self.dice.chance(3) => Some(self.create()),
            8 if self.dice.chance(2) => self.outside(),
            _ => self.view_range(),
        };
        let actions = action.into_iter().collect();
        self.push(actions);
    }

    fn done(class: ActionClass, said: &str) -> Action {
        Action {
            class,
            observation: Some(Observation::text(said)),
            ..Action::new(
                None,
                "str_replace_editor",
                json!({"path": PATH, "command": "x"}),
            )
        }
    }

    fn view(&mut self) -> Option<Action> {
        let lines = self.lines.clone()?;
        let mut action = Self::done(ActionClass::View, "");
        action.view = Some(View {
            path: PATH.to_owned(),
            first_line: Some(1),
            // the editor numbers what is behind the last line break, too
            text: Some(format!("{}\n", lines.join("\n")).into()),
            total_lines: None,
        });
        Some(action)
    }

    fn view_range(&mut self) -> Option<Action> {
        let lines = self.lines.clone()?;
        let from = self.dice.below(lines.len());
        let to = (from + 1 + self.dice.below(12)).min(lines.len());
        let mut action = Self::done(ActionClass::View, "");
        action.args = json!({"path": PATH, "view_range": [from + 1, to]});
        action.view = Some(View {
            path: PATH.to_owned(),
            first_line: Some(from + 1),
            text: Some(lines.get(from..to)?.join("\n").into()),
            total_lines: None,
        });
        Some(action)
    }

    fn snippet(&self, from: usize, count: usize) -> String {
        let lines = self.lines.as_ref().unwrap();
        let first = from.saturating_sub(4);
        let last = (from + count + 4).min(lines.len());
        let mut said = format!(
            "The file {PATH} has been edited. Here's the result of running `cat -n` on a snippet of it:\n"
        );
        for (nth, line) in lines[first..last].iter().enumerate() {
            writeln!(said, "{:>6}\t{line}", first + nth + 1).unwrap();
        }
        said
    }

    fn replace(&mut self) -> Option<Action> {
        let lines = self.lines.clone()?;
        let text = Self::text(&lines);
        let from = self.dice.below(lines.len());
        let to = (from + 1 + self.dice.below(3)).min(lines.len());
        let mut old = lines[from..to].join("\n");
        let mut new = self.dice.lines(4).join("\n");
        if self.dice.chance(4) && old.len() > 4 {
            // a part of a line
            old = old.get(2..)?.to_owned();
        }
        if self.dice.chance(4) {
            old.push('\n');
            new.push('\n');
        }
        let mut edit = Edit::new(PATH, EditOp::StrReplace);
        edit.old = Some(old.as_str().into());
        edit.new = Some(new.as_str().into());
        let is_once = !old.is_empty() && text.match_indices(&old).count() == 1;
        if !is_once {
            let mut action = Self::done(ActionClass::Edit, "No replacement was performed.");
            action.observation.as_mut()?.is_error = Some(true);
            action.edits = vec![edit];
            return Some(action);
        }
        let at = text.get(..text.find(&old)?)?.matches('\n').count();
        self.undo.push(lines);
        let after = text.replacen(&old, &new, 1);
        let mut now: Vec<String> = after.split('\n').map(str::to_owned).collect();
        if now.last().is_some_and(String::is_empty) {
            now.pop();
        }
        self.lines = Some(now);
        let has_snippet = !self.dice.chance(4);
        let said = if has_snippet {
            self.snippet(at, new.matches('\n').count() + 1)
        } else {
            "Edited.".to_owned()
        };
        if has_snippet {
            edit.line = Some(at + 1);
        }
        let mut action = Self::done(ActionClass::Edit, &said);
        action.edits = vec![edit];
        Some(action)
    }

    fn insert(&mut self) -> Option<Action> {
        let mut lines = self.lines.clone()?;
        let at = self.dice.below(lines.len() + 1);
        let mut new = self.dice.lines(3).join("\n");
        if self.dice.chance(3) {
            new.push('\n');
        }
        self.undo.push(lines.clone());
        let put: Vec<String> = new.split('\n').map(str::to_owned).collect();
        let count = put.len();
        lines.splice(at..at, put);
        self.lines = Some(lines);
        let mut edit = Edit::new(PATH, EditOp::Insert);
        edit.new = Some(new.as_str().into());
        edit.line = Some(at + 1);
        let mut action = Self::done(ActionClass::Edit, &self.snippet(at, count));
        action.edits = vec![edit];
        Some(action)
    }

    fn undo(&mut self) -> Option<Action> {
        let before = self.undo.pop()?;
        self.lines = Some(before);
        let mut action = Self::done(ActionClass::Edit, "Last edit undone.");
        action.edits = vec![Edit::new(PATH, EditOp::Undo)];
        Some(action)
    }

    fn create(&mut self) -> Action {
        let lines = self.dice.lines(20);
        let text = Self::text(&lines);
        self.lines = Some(lines.clone());
        self.undo.push(lines);
        let mut edit = Edit::new(PATH, EditOp::Create);
        edit.new = Some(text.as_str().into());
        edit.line = Some(1);
        let mut action = Self::done(ActionClass::Edit, "File created.");
        action.edits = vec![edit];
        action
    }

    /// A command changes the file; sometimes one that does not look as if it did.
    fn outside(&mut self) -> Option<Action> {
        let lines = self.lines.as_mut()?;
        let at = self.dice.below(lines.len());
        if self.dice.chance(2) {
            lines.insert(at, "from outside".to_owned());
        } else {
            lines[at] = "changed outside".to_owned();
        }
        let mut action = Self::done(ActionClass::Shell, "");
        action.shell = Some(ShellCall {
            cmd: format!("sed -i s/a/b/ {PATH} && true").into(),
            ..ShellCall::default()
        });
        Some(action)
    }
}

#[track_caller]
fn compare(seed: u64, moment: usize, state: &FileState, truth: Option<&Vec<String>>) -> usize {
    let known = numbered(state);
    let Some(truth) = truth else {
        assert!(
            known.is_empty(),
            "seed {seed}, moment {moment}: the file is not there"
        );
        return 0;
    };
    if let Some(total) = state.total {
        assert_eq!(total, truth.len(), "seed {seed}, moment {moment}: total");
    }
    for (number, line) in &known {
        let right = truth.get(number - 1);
        assert_eq!(
            Some(line.trim_end()),
            right.map(|line| line.trim_end()),
            "seed {seed}, moment {moment}, line {number}"
        );
    }
    known.len()
}

#[test]
fn known_lines_of_random_scripts_are_right() {
    let (mut known, mut all) = (0, 0);
    for seed in 0..400 {
        let mut dice = Dice(seed * 7919 + 1);
        for _ in 0..8 {
            dice.below(2);
        }
        let lines = dice.lines(60);
        let first = Some(lines.clone());
        let mut model = Model {
            dice,
            lines: Some(lines),
            undo: Vec::new(),
            states: Vec::new(),
            steps: Vec::new(),
        };
        for _ in 0..24 {
            model.act();
        }
        let trajectory = Trajectory {
            steps: model.steps,
            ..Trajectory::default()
        };
        let history = History::of(&trajectory, &Cancel::new());
        for (moment, truth) in std::iter::once(&first).chain(&model.states).enumerate() {
            let Some(state) = history.file_at(PATH, moment) else {
                continue;
            };
            known += compare(seed, moment, &state, truth.as_ref());
            all += truth.as_ref().map_or(0, Vec::len);
        }
    }
    let share = known * 100 / all;
    println!("{share} % of the lines of random scripts are known");
    assert!(share > 30, "{share} % are known");
}
