//! `hgview sandbox`: what the doctor says of this machine.

use serde_json::Value;

use crate::program::Program;

#[test]
fn the_doctor_tells_every_tier_and_bound() {
    let program = Program::new();
    let elsewhere = "tcp://192.0.2.1:2375";
    let run = program.run_with(&["sandbox", "doctor", "--json"], "DOCKER_HOST", elsewhere);
    let told: Value = serde_json::from_str(&run.out).unwrap();
    let tiers = told["tiers"].as_array().unwrap();
    let names: Vec<&str> = tiers
        .iter()
        .map(|tier| tier["tier"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["namespace", "engine", "landlock"]);
    // nothing is sent to another machine
    let why = tiers[1]["why"].as_str().unwrap();
    assert!(
        why.contains("tcp://192.0.2.1:2375 is not on a socket"),
        "{why}"
    );
    let mut is_any = false;
    for tier in tiers {
        let works = tier["works"].as_bool().unwrap();
        is_any |= works;
        // what works tells all its bounds, what does not says why
        let bounds = tier["bounds"].as_array().unwrap();
        assert_eq!(bounds.len(), if works { 12 } else { 0 }, "{tier}");
        assert_eq!(tier["why"].is_null(), works, "{tier}");
        let holding = |bound: &str| {
            let found = bounds.iter().find(|proof| proof["bound"] == bound);
            found.map(|proof| proof["holding"].as_str().unwrap())
        };
        for bound in ["network", "kernel", "cpu", "wall", "output", "clean-up"] {
            assert_ne!(holding(bound), Some("not-enforced"), "{tier}");
        }
    }
    assert_eq!(run.code, i32::from(!is_any));
}
