//! Trajectories inside and beside an ATIF trajectory: sub-agents inline or by reference, continuations, side chains.
//!
//! References are resolved by id among inline trajectories, then by file name or session id among the files that the
//! store handed over. Each file is used once, so references that run in circles end.

use std::collections::HashMap;

use crate::model::Child;
use crate::model::ChildKind;
use crate::model::Format;
use crate::model::Part;
use crate::model::Source;
use crate::model::Step;
use crate::model::Trajectory;
use crate::model::Value;
use crate::read::PartRole;
use crate::read::Sibling;
use crate::read::common::str_at;
use crate::read::common::take_array;

/// Trajectories nest this deep; what lies deeper stays a reference.
const MAX_DEPTH: usize = 16;

/// A reference to another trajectory, found in a result.
pub(super) struct Reference {
    pub(super) value: Value,
    /// The step that refers.
    pub(super) step: usize,
    /// The call whose result refers.
    pub(super) action: Option<usize>,
}

impl Reference {
    /// The reference in words, where its trajectory is not at hand.
    pub(super) fn mention(&self) -> Part {
        let label = ["trajectory_path", "trajectory_id", "session_id"]
            .into_iter()
            .find_map(|key| str_at(&self.value, key))
            .map_or_else(|| self.value.to_string(), str::to_owned);
        Part::Ref {
            label: format!("trajectory {label}"),
        }
    }
}

/// Steps that belong to a sub-agent, in order.
pub(super) struct SideChain {
    /// The main line's step before it.
    pub(super) after: Option<usize>,
    pub(super) steps: Vec<Step>,
}

/// The trajectories that references may mean, each until it is used.
pub(super) struct Files {
    inline: Vec<Option<Value>>,
    inline_by_id: HashMap<String, usize>,
    beside: Vec<Option<Sibling>>,
    meta: Vec<Sibling>,
}

impl Files {
    pub(super) fn new(siblings: Vec<Sibling>) -> Self {
        let (files, meta): (Vec<_>, Vec<_>) = siblings
            .into_iter()
            .partition(|sibling: &Sibling| sibling.role == PartRole::Child);
        Self {
            inline: Vec::new(),
            inline_by_id: HashMap::new(),
            beside: files.into_iter().map(Some).collect(),
            meta,
        }
    }

    pub(super) fn take_meta(&mut self) -> Vec<Sibling> {
        std::mem::take(&mut self.meta)
    }

    /// Adds the members of `subagent_trajectories`.
    pub(super) fn offer_inline(&mut self, trajectories: Vec<Value>) {
        for value in trajectories {
            let ix = self.inline.len();
            for key in ["trajectory_id", "session_id"] {
                if let Some(id) = str_at(&value, key) {
                    self.inline_by_id.entry(id.to_owned()).or_insert(ix);
                }
            }
            self.inline.push(Some(value));
        }
    }

    /// Makes the referenced trajectory a child, or leaves the reference as a part where it stands.
    pub(super) fn resolve(
        &mut self,
        trajectory: &mut Trajectory,
        reference: Reference,
        depth: usize,
    ) {
        let part = reference.mention();
        let Reference {
            value,
            step,
            action,
        } = reference;
        if let Some((name, found)) = self.find(&value, depth) {
            let title = value
                .pointer("/extra/summary")
                .and_then(Value::as_str)
                .map(str::to_owned);
            let child = self.child(trajectory, ChildKind::SubAgent, found, &name, title, depth);
            let ix = trajectory.children.len();
            trajectory.children.push(Child {
                at_step: Some(step),
                ..child
            });
            let call = trajectory
                .steps
                .get_mut(step)
                .and_then(|step| step.actions.get_mut(action?));
            if let Some(call) = call {
                call.child.get_or_insert(ix);
            }
            return;
        }
        let Some(step) = trajectory.steps.get_mut(step) else {
            return;
        };
        let call = action.and_then(|action| step.actions.get_mut(action));
        match call.and_then(|call| call.observation.as_mut()) {
            Some(observation) => observation.parts.push(part),
            None => step.attachments.push(part),
        }
    }

    /// `continued_trajectory_ref`: a path, or an object like other references.
    pub(super) fn resolve_continuation(
        &mut self,
        trajectory: &mut Trajectory,
        value: &Value,
        depth: usize,
    ) {
        let value = match value {
            Value::Null => return,
            Value::String(path) => serde_json::json!({ "trajectory_path": path }),
            other => other.clone(),
        };
        let at_step = trajectory.steps.len().checked_sub(1);
        if let Some((name, found)) = self.find(&value, depth) {
            let child = self.child(
                trajectory,
                ChildKind::Continuation,
                found,
                &name,
                None,
                depth,
            );
            trajectory.children.push(Child { at_step, ..child });
            return;
        }
        let path = str_at(&value, "trajectory_path").unwrap_or("elsewhere");
        let step = Step::context("continued", format!("The run goes on in {path}"));
        trajectory.steps.push(step);
    }

    /// Makes children of what nothing refers to.
    pub(super) fn leave_rest(&mut self, trajectory: &mut Trajectory) {
        let mut ix = 0;
        // a child may offer more
        while ix < self.inline.len() {
            if let Some(value) = self.inline.get_mut(ix).and_then(Option::take) {
                let child = self.child(trajectory, ChildKind::SubAgent, value, "", None, 0);
                trajectory.children.push(child);
            }
            ix += 1;
        }
        for ix in 0..self.beside.len() {
            let Some((name, value)) = self.take_file(ix) else {
                continue;
            };
            let kind = if name.contains(".cont-") {
                ChildKind::Continuation
            } else {
                ChildKind::SubAgent
            };
            let child = self.child(trajectory, kind, value, &name, None, 0);
            trajectory.children.push(child);
        }
    }

    fn find(&mut self, reference: &Value, depth: usize) -> Option<(String, Value)> {
        if depth >= MAX_DEPTH {
            return None;
        }
        for key in ["trajectory_id", "session_id"] {
            let ix = str_at(reference, key).and_then(|id| self.inline_by_id.get(id));
            if let Some(value) = ix
                .and_then(|ix| self.inline.get_mut(*ix))
                .and_then(Option::take)
            {
                return Some((String::new(), value));
            }
        }
        let ix = self.find_file(reference)?;
        self.take_file(ix)
    }

    fn find_file(&self, reference: &Value) -> Option<usize> {
        let position = |test: &dyn Fn(&Sibling) -> bool| {
            self.beside
                .iter()
                .position(|file| file.as_ref().is_some_and(test))
        };
        let path = str_at(reference, "trajectory_path").unwrap_or_default();
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let by_name = |test: &dyn Fn(&Sibling) -> bool| {
            if name.is_empty() {
                None
            } else {
                position(test)
            }
        };
        let session =
            str_at(reference, "session_id").or_else(|| str_at(reference, "trajectory_id"));
        by_name(&|file| file.name == name)
            .or_else(|| {
                let id = session?;
                position(&|file| {
                    let value = file.rows.first().map(|row| &row.value);
                    value.is_some_and(|v| {
                        str_at(v, "session_id") == Some(id)
                            || str_at(v, "trajectory_id") == Some(id)
                    })
                })
            })
            .or_else(|| by_name(&|file| file.name.ends_with(name)))
    }

    fn take_file(&mut self, ix: usize) -> Option<(String, Value)> {
        let mut file = self.beside.get_mut(ix)?.take()?;
        let value = file.rows.first_mut()?.value.take();
        Some((file.name, value))
    }

    fn child(
        &mut self,
        parent: &Trajectory,
        kind: ChildKind,
        mut value: Value,
        name: &str,
        title: Option<String>,
        depth: usize,
    ) -> Child {
        let variant = super::variant(&value, false);
        let mut trajectory = Trajectory {
            source: child_source(parent, name, variant),
            ..Trajectory::default()
        };
        let steps = take_array(&mut value, "steps")
            .into_iter()
            .map(|value| super::RawStep { value, span: None })
            .collect();
        super::build(&mut trajectory, value, steps, self, depth + 1);
        let title = title
            .or_else(|| trajectory.agent.clone())
            .or_else(|| trajectory.run_id.clone())
            .unwrap_or_else(|| name.to_owned());
        Child {
            kind,
            title,
            at_step: None,
            trajectory,
        }
    }
}

fn child_source(parent: &Trajectory, name: &str, variant: String) -> Source {
    let mut source = Source {
        format: Some(Format::Atif),
        variant: Some(variant),
        ..parent.source.clone()
    };
    if !name.is_empty() {
        source.path.set_file_name(name);
        source.byte_range = None;
    }
    source
}

/// Makes a child of each side chain, linked to the call before it that has none.
pub(super) fn add_side_chains(trajectory: &mut Trajectory, chains: Vec<SideChain>) {
    for chain in chains {
        let variant = trajectory.source.variant.clone().unwrap_or_default();
        let child = Trajectory {
            source: child_source(trajectory, "", variant),
            steps: chain.steps,
            agent: trajectory.agent.clone(),
            model: trajectory.model.clone(),
            run_id: trajectory.run_id.clone(),
            ..Trajectory::default()
        };
        let title = child
            .steps
            .iter()
            .find_map(|step| step.text.as_deref().or(step.thought.as_deref()))
            .and_then(|text| text.lines().next())
            .map_or_else(
                || "side chain".to_owned(),
                |line| line.chars().take(80).collect(),
            );
        let ix = trajectory.children.len();
        let step = chain.after.and_then(|at| trajectory.steps.get_mut(at));
        let call = step.and_then(|step| {
            step.actions.iter_mut().find(|call| {
                call.child.is_none() && matches!(call.tool.as_str(), "Task" | "Agent" | "task")
            })
        });
        if let Some(call) = call {
            call.child = Some(ix);
        }
        trajectory.children.push(Child {
            kind: ChildKind::SubAgent,
            title,
            at_step: chain.after,
            trajectory: child,
        });
    }
}
