//! Which back end a sandbox gets: the one that was asked for, or the best that works here, with why no better one does.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Backend;
#[cfg(target_os = "linux")]
use crate::sandbox::Namespace;
use crate::sandbox::Proof;
use crate::sandbox::Spec;
use crate::sandbox::System;
use crate::sandbox::Tier;
use crate::sandbox::engine::Engine;
#[cfg(target_os = "linux")]
use crate::sandbox::landlock::Landlock;

/// The program that is running, for back ends that start it again.
pub const OWN_PROGRAM: &str = "/proc/self/exe";

/// How long an engine may take to say that it is there.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// The best tier that works here and can do what the sandbox is for.
    #[default]
    Auto,
    /// Namespaces, or nothing.
    Namespace,
    /// Landlock and seccomp, or nothing.
    Landlock,
    /// Containers of docker or podman, or nothing.
    Engine,
    /// No commands at all: there is no back end without walls.
    None,
}

impl Choice {
    /// All of them, in the order in which help shows them.
    pub const ALL: [Self; 5] = [
        Self::Auto,
        Self::Namespace,
        Self::Landlock,
        Self::Engine,
        Self::None,
    ];

    /// The word of the flag `--backend`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Namespace => "namespace",
            Self::Landlock => "landlock",
            Self::Engine => "docker",
            Self::None => "none",
        }
    }

    /// What a word means.
    pub fn of_name(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == word)
    }
}

/// A back end that works, and why it is no better one.
#[derive(Clone)]
pub struct Chosen {
    /// It.
    pub backend: Arc<dyn Backend>,
    /// The tiers that come before it, best first, and what keeps each from working here: shown wherever the tier is.
    pub refused: Vec<(Tier, String)>,
    /// What the empty sandbox said of its limits; empty where none was started.
    pub proofs: Vec<Proof>,
}

/// Why there is none: an error that can be told again and again.
#[derive(Clone)]
struct Missing {
    what: String,
    hints: Vec<String>,
}

/// The back ends of a program, each looked for when it is first wanted.
pub struct Backends {
    choice: Choice,
    program: PathBuf,
    own: OnceLock<Result<Chosen, Missing>>,
    images: OnceLock<Result<Chosen, Missing>>,
}

impl Backends {
    /// Those of a choice; nothing is started. `program` is hgview's ([`OWN_PROGRAM`], but in tests).
    pub fn new(choice: Choice, program: impl Into<PathBuf>) -> Self {
        Self {
            choice,
            program: program.into(),
            own: OnceLock::new(),
            images: OnceLock::new(),
        }
    }

    /// The back end for sandboxes of this system.
    ///
    /// # Errors
    /// As [`choose`].
    pub fn of(&self, system: &System, cancel: &Cancel) -> Result<Chosen> {
        let known = match system {
            System::Image(_) => &self.images,
            System::Host | System::Rootfs(_) => &self.own,
        };
        let found = if let Some(found) = known.get() {
            found.clone()
        } else {
            let found = choose(self.choice, system, &self.program, cancel);
            let found = found.map_err(|error| Missing {
                what: error.to_string(),
                hints: error.hints().to_vec(),
            });
            // what was stopped tells nothing about the machine
            if cancel.is_cancelled() {
                found
            } else {
                known.get_or_init(|| found).clone()
            }
        };
        found.map_err(|none| {
            none.hints
                .into_iter()
                .fold(Error::limit(none.what), Error::hint)
        })
    }
}

/// Finds the back end for sandboxes of this system. `program` is hgview's ([`OWN_PROGRAM`], but in tests). A back end is
/// only chosen once an empty sandbox of it has started.
///
/// # Errors
/// *limit* when none works, naming each with what is missing; remedies are its hints. *user* when what was asked for
/// cannot do this.
pub fn choose(choice: Choice, system: &System, program: &Path, cancel: &Cancel) -> Result<Chosen> {
    let asked = match choice {
        Choice::Auto => None,
        Choice::Namespace => Some(Tier::Namespace),
        Choice::Landlock => Some(Tier::Landlock),
        Choice::Engine => Some(Tier::Engine),
        Choice::None => {
            return Err(Error::user(
                "without a sandbox no command of a trajectory is run",
            ));
        }
    };
    let mut refused = Vec::new();
    let mut remedies: Vec<String> = Vec::new();
    for tier in Tier::ALL {
        if asked.is_some_and(|asked| asked != tier) {
            continue;
        }
        let tried = can_do(tier, system).and_then(|()| tried(tier, system, program, cancel));
        match tried {
            Ok((backend, proofs)) => {
                return Ok(Chosen {
                    backend,
                    refused,
                    proofs,
                });
            }
            Err(error) => {
                refused.push((tier, error.to_string()));
                for hint in error.hints() {
                    if !remedies.contains(hint) {
                        remedies.push(hint.clone());
                    }
                }
            }
        }
    }
    let told: Vec<String> = refused
        .iter()
        .map(|(tier, why)| format!("{}: {why}", tier.name()))
        .collect();
    let what = format!("no sandbox can be had here ({})", told.join("; "));
    let error = remedies.into_iter().fold(Error::limit(what), Error::hint);
    Err(error.hint("`hgview sandbox doctor` tells all about it"))
}

/// Whether a tier can show a system at all.
fn can_do(tier: Tier, system: &System) -> Result<()> {
    let why = match (tier, system) {
        (Tier::Engine, System::Host | System::Rootfs(_)) => "it runs images of an engine only",
        (Tier::Namespace | Tier::Landlock, System::Image(_)) => {
            "an engine's image needs the engine"
        }
        (Tier::Landlock, System::Rootfs(_)) => "it cannot show another system than this machine's",
        _ => return Ok(()),
    };
    Err(Error::user(why))
}

/// A back end that has just started an empty sandbox.
fn tried(
    tier: Tier,
    system: &System,
    program: &Path,
    cancel: &Cancel,
) -> Result<(Arc<dyn Backend>, Vec<Proof>)> {
    let backend: Arc<dyn Backend> = backend(tier, program)?.into();
    let mut proofs = Vec::new();
    // containers are dear, and an image that is not there is told when it is asked for
    if tier != Tier::Engine {
        let spec = Spec {
            system: system.clone(),
            ..Spec::default()
        };
        proofs = backend.start(&spec, cancel)?.proofs().to_vec();
    }
    Ok((backend, proofs))
}

/// The back end of a tier. None is tried.
///
/// # Errors
/// *limit* when the machine has not what it needs.
#[cfg(target_os = "linux")]
pub(super) fn backend(tier: Tier, program: &Path) -> Result<Box<dyn Backend>> {
    Ok(match tier {
        Tier::Namespace => Box::new(Namespace::with_program(program)),
        Tier::Engine => Box::new(Engine::find(PATIENCE)?),
        Tier::Landlock => Box::new(Landlock::new(program)?),
    })
}

/// The back end of a tier: only containers do without Linux.
///
/// # Errors
/// *limit* when the machine has not what it needs.
#[cfg(not(target_os = "linux"))]
pub(super) fn backend(tier: Tier, _: &Path) -> Result<Box<dyn Backend>> {
    match tier {
        Tier::Engine => Ok(Box::new(Engine::find(PATIENCE)?)),
        Tier::Namespace | Tier::Landlock => Err(Error::limit("it needs Linux")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::cancel::Cancel;
    use crate::sandbox::Choice;
    use crate::sandbox::System;
    use crate::sandbox::choose;

    #[test]
    fn words_and_choices_are_one_to_one() {
        for choice in Choice::ALL {
            assert_eq!(Choice::of_name(choice.name()), Some(choice));
        }
        assert_eq!(Choice::of_name("engine"), None);
    }

    /// What cannot do this is refused, and says why.
    #[track_caller]
    fn check(choice: Choice, system: &System, expected: &str) {
        let chosen = choose(choice, system, Path::new("/no/such/hgview"), &Cancel::new());
        let told = chosen.err().unwrap().to_string();
        assert!(told.contains(expected), "{told}");
    }

    #[test]
    fn nothing_else_is_taken_for_what_was_asked_for() {
        let image = System::Image("x".to_owned());
        let rootfs = System::Rootfs("/".into());
        check(Choice::Engine, &System::Host, "engine: it runs images");
        check(Choice::Namespace, &image, "namespace: an engine's image");
        check(Choice::Landlock, &rootfs, "landlock: it cannot show");
        check(
            Choice::None,
            &System::Host,
            "no command of a trajectory is run",
        );
        // a program that is not there starts nothing
        check(
            Choice::Auto,
            &System::Host,
            "no sandbox can be had here (namespace: ",
        );
    }
}
