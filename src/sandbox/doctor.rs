//! What sandboxes can do on this machine: each tier is started, and each of its bounds is attacked in a sandbox of its own.
//!
//! Nothing is believed that was not tried, and nothing is tried that would do harm if the bound did not hold: the network
//! is a listener of our own on this machine, the secret a file of our own, memory and disk are small amounts.

mod probe;

use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::error::Error;
use crate::error::Result;
use crate::sandbox::Backend;
use crate::sandbox::Bound;
use crate::sandbox::Holding;
use crate::sandbox::Limits;
use crate::sandbox::Proof;
use crate::sandbox::Spec;
use crate::sandbox::System;
use crate::sandbox::Tier;
use crate::sandbox::Tree;
use crate::sandbox::choose;
use crate::sandbox::choose::PATIENCE;
use crate::sandbox::engine::Engine;

/// What can be had here: the output of `hgview sandbox doctor --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnosis {
    /// All tiers, in the order in which they are tried.
    pub tiers: Vec<TierDiagnosis>,
}

impl Diagnosis {
    /// Whether any tier works.
    pub fn is_any(&self) -> bool {
        self.tiers.iter().any(|tier| tier.works)
    }
}

/// What one tier can do here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TierDiagnosis {
    /// Which.
    pub tier: Tier,
    /// Whether a sandbox of it starts.
    pub works: bool,
    /// How long that took, in milliseconds; null where it does not.
    pub start_ms: Option<u64>,
    /// Why it does not; null where it does.
    pub why: Option<String>,
    /// What would help, in order; where it works, what would make it better is in the words of the bounds.
    pub remedies: Vec<String>,
    /// Its bounds, all of them, in a fixed order; empty where it does not work.
    pub bounds: Vec<Proof>,
}

/// Room enough to start in, and little enough to be filled.
pub(crate) const LITTLE: Limits = Limits {
    cpu: Duration::from_secs(2),
    wall: Duration::from_mins(2),
    memory: 256 << 20,
    processes: 40,
    output: 1 << 20,
    disk: 16 << 20,
    inodes: 2_000,
    file: 8 << 20,
};

/// Tries everything. `program` is hgview's; containers are tried with `image`, or the first that the engine has.
/// `progress` hears what is tried next.
pub fn examine(
    program: &Path,
    image: Option<&str>,
    cancel: &Cancel,
    progress: &mut dyn FnMut(&str),
) -> Diagnosis {
    let tiers = Tier::ALL.map(|tier| examine_tier(tier, program, image, cancel, progress));
    Diagnosis {
        tiers: tiers.into(),
    }
}

fn examine_tier(
    tier: Tier,
    program: &Path,
    image: Option<&str>,
    cancel: &Cancel,
    progress: &mut dyn FnMut(&str),
) -> TierDiagnosis {
    progress(tier.name());
    let tried = ready(tier, program, image).and_then(|(backend, spec)| {
        let since = Instant::now();
        let sandbox = backend.start(&spec, cancel)?;
        let start = since.elapsed();
        let believed = sandbox.proofs().to_vec();
        drop(sandbox);
        Ok((backend, spec, start, believed))
    });
    let (backend, spec, start, believed) = match tried {
        Ok(ready) => ready,
        Err(error) => {
            return TierDiagnosis {
                tier,
                works: false,
                start_ms: None,
                why: Some(error.to_string()),
                remedies: error.hints().to_vec(),
                bounds: Vec::new(),
            };
        }
    };
    let bounds = Bound::ALL.map(|bound| {
        progress(&format!("{}: {}", tier.name(), bound.name()));
        let believed = believed.iter().find(|proof| proof.bound == bound);
        let found = probe::attack(bound, &*backend, &spec, cancel);
        weigh(bound, believed, found)
    });
    TierDiagnosis {
        tier,
        works: true,
        start_ms: u64::try_from(start.as_millis()).ok(),
        why: None,
        remedies: Vec::new(),
        bounds: bounds.into(),
    }
}

/// A tier's back end, and what its sandboxes are made of.
fn ready(tier: Tier, program: &Path, image: Option<&str>) -> Result<(Box<dyn Backend>, Spec)> {
    let mut spec = Spec {
        limits: LITTLE,
        trees: vec![Tree {
            at: probe::FOLDER.to_owned(),
            lower: None,
        }],
        ..Spec::default()
    };
    if tier != Tier::Engine {
        return Ok((choose::backend(tier, program)?, spec));
    }
    let engine = Engine::find(PATIENCE)?;
    let image = match image {
        Some(image) => image.to_owned(),
        None => engine.images()?.into_iter().next().ok_or_else(|| {
            let at = engine.socket().display();
            Error::limit(format!("the engine at {at} has no image to try it with"))
                .hint("docker pull an image, or name one with --image")
        })?,
    };
    spec.system = System::Image(image);
    Ok((Box::new(engine), spec))
}

/// What an attack found, told by hgview.
pub(crate) enum Found {
    /// It did not get through.
    Held(String),
    /// It did.
    Broken(String),
    /// It could not be made.
    Nothing(String),
}

/// What is known of a bound once it was attacked: who knows that it does not hold is not refuted by one attack.
fn weigh(bound: Bound, believed: Option<&Proof>, found: Found) -> Proof {
    let proof = |holding, why: String| Proof {
        bound,
        holding,
        why,
    };
    match (believed, found) {
        (_, Found::Broken(why)) => proof(Holding::NotEnforced, why),
        (Some(known), _) if known.holding == Holding::NotEnforced => known.clone(),
        (Some(known), Found::Held(how)) => {
            proof(Holding::Enforced, format!("{how}; {}", known.why))
        }
        (None, Found::Held(how)) => proof(Holding::Enforced, how),
        (Some(known), Found::Nothing(_)) => known.clone(),
        (None, Found::Nothing(why)) => proof(Holding::Unknown, why),
    }
}

#[cfg(test)]
mod tests {
    use crate::sandbox::Bound;
    use crate::sandbox::Holding;
    use crate::sandbox::Proof;
    use crate::sandbox::doctor::Found;
    use crate::sandbox::doctor::weigh;

    #[track_caller]
    fn check(believed: Option<Holding>, found: Found, expected: Holding) {
        let believed = believed.map(|holding| Proof {
            bound: Bound::Disk,
            holding,
            why: "known".to_owned(),
        });
        let told = weigh(Bound::Disk, believed.as_ref(), found);
        assert_eq!(told.holding, expected, "{}", told.why);
    }

    #[test]
    fn the_worse_is_believed() {
        let held = || Found::Held("tried".to_owned());
        let broken = || Found::Broken("got through".to_owned());
        let nothing = || Found::Nothing("no bash".to_owned());
        check(Some(Holding::Enforced), held(), Holding::Enforced);
        check(Some(Holding::Unknown), held(), Holding::Enforced);
        check(Some(Holding::NotEnforced), held(), Holding::NotEnforced);
        check(None, held(), Holding::Enforced);
        check(Some(Holding::Enforced), broken(), Holding::NotEnforced);
        check(Some(Holding::Enforced), nothing(), Holding::Enforced);
        check(None, nothing(), Holding::Unknown);
    }
}
