//! Made-up trajectories for the tests of the rules.

use serde_json::json;

use crate::behave::examine;
use crate::cancel::Cancel;
use crate::model::Action;
use crate::model::Component;
use crate::model::FlagKind;
use crate::model::Observation;
use crate::model::Step;
use crate::model::StepKind;
use crate::model::Task;
use crate::model::TaskKind;
use crate::model::Trajectory;
use crate::read::understand::understand;

/// A trajectory in the making; its first step, number 0, is the prompt.
#[derive(Debug, Clone)]
pub(in crate::behave) struct Run(pub(in crate::behave) Trajectory);

impl Run {
    /// An attempt at an issue of the repository `o/r`.
    pub(in crate::behave) fn issue() -> Self {
        let mut run = Self::asking("Fix the issue in this repository.");
        run.0.task = Some(Task {
            kind: TaskKind::Issue,
            repo: Some("o/r".to_owned()),
            ..Task::default()
        });
        run
    }

    /// An attempt at whatever the prompt says.
    pub(in crate::behave) fn asking(prompt: &str) -> Self {
        Self(Trajectory {
            instruction: Some(prompt.into()),
            steps: vec![Step::with_text(StepKind::User, prompt)],
            ..Trajectory::default()
        })
    }

    /// A record without a prompt.
    pub(in crate::behave) fn bare() -> Self {
        Self(Trajectory::default())
    }

    fn act(
        mut self,
        tool: &str,
        args: serde_json::Value,
        observation: Option<Observation>,
    ) -> Self {
        let mut action = Action::new(None, tool, args);
        action.observation = observation;
        let mut step = Step::new(StepKind::Agent);
        step.actions.push(action);
        self.0.steps.push(step);
        self
    }

    pub(in crate::behave) fn shell(self, command: &str, output: &str, code: i64) -> Self {
        let mut observation = Observation::text(output);
        observation.exit_code = Some(code);
        self.act(
            "execute_bash",
            json!({ "command": command }),
            Some(observation),
        )
    }

    pub(in crate::behave) fn cut(self, command: &str, output: &str) -> Self {
        let mut observation = Observation::text(output);
        observation.truncated = Some(true);
        self.act(
            "execute_bash",
            json!({ "command": command }),
            Some(observation),
        )
    }

    pub(in crate::behave) fn unanswered(self, command: &str) -> Self {
        self.act("execute_bash", json!({ "command": command }), None)
    }

    pub(in crate::behave) fn cell(self, code: &str, output: &str) -> Self {
        self.act(
            "execute_ipython_cell",
            json!({ "code": code }),
            Some(Observation::text(output)),
        )
    }

    pub(in crate::behave) fn tool(self, name: &str, args: serde_json::Value) -> Self {
        self.act(name, args, Some(Observation::text("ok")))
    }

    pub(in crate::behave) fn edit(self, path: &str, old: &str, new: &str) -> Self {
        let args =
            json!({ "command": "str_replace", "path": path, "old_str": old, "new_str": new });
        self.act(
            "str_replace_editor",
            args,
            Some(Observation::text("The file has been edited.")),
        )
    }

    pub(in crate::behave) fn failing_edit(self, path: &str) -> Self {
        let args =
            json!({ "command": "str_replace", "path": path, "old_str": "q", "new_str": "w" });
        self.act(
            "str_replace_editor",
            args,
            Some(Observation::text(
                "No replacement was performed, old_str `q` did not appear.",
            )),
        )
    }

    pub(in crate::behave) fn create(self, path: &str, text: &str) -> Self {
        let args = json!({ "command": "create", "path": path, "file_text": text });
        self.act(
            "str_replace_editor",
            args,
            Some(Observation::text("File created successfully.")),
        )
    }

    pub(in crate::behave) fn undo(self, path: &str) -> Self {
        let args = json!({ "command": "undo_edit", "path": path });
        self.act(
            "str_replace_editor",
            args,
            Some(Observation::text("Last edit undone.")),
        )
    }

    pub(in crate::behave) fn finish(self, message: &str) -> Self {
        self.act("finish", json!({ "message": message }), None)
    }

    pub(in crate::behave) fn say(mut self, text: &str) -> Self {
        self.0.steps.push(Step::with_text(StepKind::Agent, text));
        self
    }

    pub(in crate::behave) fn exit(mut self, status: &str) -> Self {
        self.0.outcome.exit_status = Some(status.to_owned());
        self
    }

    pub(in crate::behave) fn patch(mut self, patch: &str) -> Self {
        self.0.final_patch = Some(patch.into());
        self
    }

    /// As a reader would hand it over.
    pub(in crate::behave) fn read(mut self) -> Trajectory {
        for (step, idx) in self.0.steps.iter_mut().zip(0..) {
            step.idx = idx;
        }
        understand(&mut self.0);
        self.0
    }

    /// Asserts at which steps a flag is found.
    #[track_caller]
    pub(in crate::behave) fn has(self, kind: FlagKind, steps: &[usize]) {
        let trajectory = self.read();
        let found = examine(&trajectory, &Cancel::new()).flags;
        let found: Vec<usize> = found
            .iter()
            .filter(|flag| flag.flag == kind)
            .filter_map(|flag| flag.step)
            .collect();
        assert_eq!(found, steps, "{:#?}", trajectory.steps);
    }

    /// Asserts the component of the last step.
    #[track_caller]
    pub(in crate::behave) fn is(self, want: Component) {
        let trajectory = self.read();
        let got = examine(&trajectory, &Cancel::new()).components;
        let last = trajectory.steps.last().and_then(|step| {
            step.actions
                .first()
                .map(|a| (a.tool.clone(), a.args.clone()))
        });
        assert_eq!(got.last().copied().flatten(), Some(want), "{last:?}");
    }
}
