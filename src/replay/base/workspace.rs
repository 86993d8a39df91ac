//! The workspace of one trajectory: its base, prepared; its patch at the end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::model::TaskKind;
use crate::model::Text;
use crate::model::Trajectory;
use crate::model::Value;
use crate::python::definitions::function_text;
use crate::replay::BaseKind;
use crate::replay::Ground;
use crate::replay::PatchReplay;
use crate::replay::base::Base;
use crate::replay::base::BaseSources;
use crate::replay::base::lower::Found;
use crate::replay::base::lower::State;
use crate::replay::base::prepare::Plan;
use crate::replay::base::prepare::Preparations;
use crate::replay::base::prepare::Prepared;
use crate::replay::base::start::answer_files;
use crate::replay::patch;
use crate::sandbox::Layer;
use crate::sandbox::Limits;
use crate::sandbox::Sandbox;
use crate::sandbox::Spec;
use crate::sandbox::System;

/// How a workspace stood at the end of a replay.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The final patch.
    pub patch: Text,
    /// The text of the function that a `func_gen` task asks for, where it is there.
    pub answer: Option<Text>,
    /// A sandbox that begins where the replay ended.
    pub spec: Spec,
    /// Keeps the folder that the sandbox shows.
    _base: Option<Base>,
}

impl Finished {
    /// Of a sandbox that shows no base of ours.
    pub fn new(patch: Text, answer: Option<Text>, spec: Spec) -> Self {
        Self {
            patch,
            answer,
            spec,
            _base: None,
        }
    }
}

/// The workspace of one trajectory.
#[derive(Debug)]
pub struct Workspace {
    trajectory: Arc<Trajectory>,
    base: Base,
    spec: Spec,
    plan: Plan,
    preparations: Arc<Preparations>,
    prepared: Option<Arc<Prepared>>,
    finished: Arc<Mutex<Option<Finished>>>,
}

impl Workspace {
    /// Finds or makes the base of a trajectory; nothing is started. Attempts of one task share what `preparations` keep.
    ///
    /// # Errors
    /// As [`BaseSources::base`].
    pub fn new(
        trajectory: Arc<Trajectory>,
        sources: &BaseSources,
        preparations: Arc<Preparations>,
        limits: Limits,
        cancel: &Cancel,
    ) -> Result<Self> {
        let base = sources.base(&trajectory, cancel)?;
        let plan = Plan::of(&trajectory, &base);
        let prepared = preparations.get(&plan.key(&base));
        let readable = readable(sources)?;
        let spec = Spec {
            env: env(&readable),
            readable,
            system: base.system.clone(),
            trees: vec![base.tree.clone()],
            layer: prepared
                .as_ref()
                .map(|prepared| Arc::clone(&prepared.layer)),
            limits,
            ..Spec::default()
        };
        Ok(Self {
            trajectory,
            base,
            spec,
            plan,
            preparations,
            prepared,
            finished: Arc::default(),
        })
    }

    /// From what it is made.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// How it stood when its patch was made last; `None` before. It outlives the workspace.
    pub fn finished(&self) -> Arc<Mutex<Option<Finished>>> {
        Arc::clone(&self.finished)
    }

    /// Whether the files lie in an image that only an engine has.
    fn is_elsewhere(&self) -> bool {
        matches!(self.base.system, System::Image(_)) && self.base.tree.lower.is_none()
    }

    fn state<'a>(&'a self, layer: Option<&'a Layer>) -> State<'a> {
        State {
            tree: &self.base.tree,
            layer,
            is_elsewhere: self.is_elsewhere(),
        }
    }

    /// The function that was asked for, cut out of the workspace's file.
    fn answer(&self, after: &State<'_>) -> Option<Text> {
        let task = self.trajectory.task.as_ref()?;
        let instance = task
            .instance
            .as_ref()
            .filter(|_| task.kind == TaskKind::FuncGen)?;
        let text = |key: &str| instance.get(key).and_then(Value::as_str);
        let Found::File { bytes, .. } = after.read(text("file_path")?.as_bytes()) else {
            return None;
        };
        let found = function_text(&String::from_utf8_lossy(&bytes), text("func_name")?)?;
        Some(found.into())
    }
}

/// The folders that may be read, as they are called where they lie.
fn readable(sources: &BaseSources) -> Result<Vec<PathBuf>> {
    let absolute = |folder: &PathBuf| {
        let found = folder.canonicalize();
        found
            .map_err(|err| Error::input(format!("cannot open {}", folder.display())).caused_by(err))
    };
    sources.readable.iter().map(absolute).collect()
}

/// The environment; programs of these folders come first.
fn env(readable: &[PathBuf]) -> Vec<(String, String)> {
    let mut env = Spec::default().env;
    let programs = readable.iter().map(|folder| folder.join("bin"));
    let programs: Vec<String> = programs
        .filter(|programs| programs.is_dir())
        .map(|programs| programs.display().to_string())
        .collect();
    for (_, value) in env.iter_mut().filter(|(name, _)| name == "PATH") {
        *value = [programs.as_slice(), &[std::mem::take(value)]]
            .concat()
            .join(":");
    }
    env
}

impl Ground for Workspace {
    fn kind(&self) -> BaseKind {
        self.base.kind
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn root(&self) -> &str {
        &self.base.tree.at
    }

    fn prepare(&mut self, sandbox: &mut dyn Sandbox, cancel: &Cancel) -> Result<Vec<String>> {
        // where there is one already, the sandbox began with its layer
        let prepared = if let Some(prepared) = &self.prepared {
            Arc::clone(prepared)
        } else {
            let prepared = Arc::new(self.plan.run(sandbox, cancel)?);
            let key = self.plan.key(&self.base);
            self.preparations.put(key, Arc::clone(&prepared));
            self.spec.layer = Some(Arc::clone(&prepared.layer));
            self.prepared = Some(Arc::clone(&prepared));
            prepared
        };
        let task = self.trajectory.task.as_ref();
        let own = task.map(answer_files).unwrap_or_default();
        let made = self.plan.commit_own(&own, &prepared, sandbox, cancel)?;
        let prepared = made.map_or(prepared, |made| {
            let made = Arc::new(made);
            self.spec.layer = Some(Arc::clone(&made.layer));
            self.prepared = Some(Arc::clone(&made));
            made
        });
        let notes = self.base.notes.iter().chain(&prepared.notes);
        Ok(notes.cloned().collect())
    }

    fn patch(&mut self, sandbox: &mut dyn Sandbox, cancel: &Cancel) -> Result<Option<PatchReplay>> {
        let prepared = self.prepared.clone().unwrap_or_default();
        let commit = prepared.commit.as_deref();
        let by_git = match commit {
            Some(commit) => patch::by_git(self.root(), commit, sandbox, cancel)?,
            None => None,
        };
        let layer = Arc::new(sandbox.layer(Some(&prepared.layer))?);
        let before = self.state(Some(&prepared.layer));
        let after = self.state(Some(&layer));
        let text = match by_git {
            Some(text) => text,
            None if self.is_elsewhere() => return Ok(None),
            None => patch::by_layer(&before, &after),
        };
        let recorded = self.trajectory.final_patch.as_deref();
        let compared = patch::compare(&text, recorded, &before, &after);
        let finished = Finished {
            patch: Arc::clone(&compared.patch),
            answer: self.answer(&after),
            spec: Spec {
                layer: Some(Arc::clone(&layer)),
                ..self.spec.clone()
            },
            _base: Some(self.base.clone()),
        };
        *self.finished.lock().unwrap_or_else(PoisonError::into_inner) = Some(finished);
        Ok(Some(compared))
    }
}
