//! A replay without a sandbox, for tests of the screen: every call comes out as its place says.

use std::sync::Arc;

use hgview::model::Action;
use hgview::model::ActionClass;
use hgview::model::ContentHash;
use hgview::model::Text;
use hgview::model::Trajectory;
use hgview::model::Verdict;
use hgview::read::understand;
use hgview::replay::BaseKind;
use hgview::replay::CallRef;
use hgview::replay::CallReplay;
use hgview::replay::FileReplay;
use hgview::replay::PatchReplay;
use hgview::replay::RecordReplay;
use hgview::replay::Same;
use hgview::replay::StepVerdict;
use hgview::replay::Verified;
use hgview::replay::What;
use hgview::review::RecordRef;
use hgview::sandbox::Bound;
use hgview::sandbox::Holding;
use hgview::sandbox::Proof;
use hgview::sandbox::Tier;
use hgview::store::Store;
use hgview::text::Ink;
use hgview::ui::effect::ReplayAsk;
use hgview::ui::effect::ReplayTo;
use hgview::ui::event::CallRow;
use hgview::ui::event::ConsoleFrame;
use hgview::ui::event::FolderFound;
use hgview::ui::event::ReplayNews;
use hgview::ui::event::Replayable;

/// What is replayed, and how far it is.
#[derive(Default)]
pub(crate) struct Bench {
    open: Option<(Arc<Trajectory>, Vec<CallRef>)>,
    record: Option<ContentHash>,
    stands: usize,
    /// What was typed at the shell.
    pub(crate) typed: Vec<u8>,
    /// Nothing can be replayed, and why.
    pub(crate) refusal: Option<String>,
    /// Why stronger sandboxes are refused.
    pub(crate) refused: Vec<String>,
    /// Replays that were closed.
    pub(crate) closed: usize,
    /// Calls begin and do not end.
    pub(crate) hangs: bool,
}

impl Bench {
    pub(crate) fn answer(&mut self, ask: ReplayAsk, store: &Store) -> Vec<ReplayNews> {
        match ask {
            ReplayAsk::Open(ix) => {
                if let Some(why) = &self.refusal {
                    return vec![ReplayNews::Refused(why.clone())];
                }
                let trajectory = store.load(ix).unwrap();
                let places = places(&trajectory);
                let mut opened = about(&trajectory, &places);
                opened.refused.clone_from(&self.refused);
                self.record = Some(store.load_head(ix).unwrap().hash());
                (self.open, self.stands) = (Some((trajectory, places)), 0);
                vec![ReplayNews::Opened(Box::new(opened))]
            }
            ReplayAsk::Run(to) => self.run(to),
            ReplayAsk::Back => {
                self.stands = self.stands.saturating_sub(1);
                vec![ReplayNews::Stands(self.stands, None)]
            }
            ReplayAsk::Restart => {
                self.stands = 0;
                vec![ReplayNews::Stands(0, None)]
            }
            ReplayAsk::Changes => vec![ReplayNews::Changes(self.stands, PATCH.into())],
            ReplayAsk::Folder(path) => vec![folder(path)],
            ReplayAsk::File(path) => {
                let text = format!("# {path} after {} calls\ntide = 2\nmoor = 3\n", self.stands);
                vec![ReplayNews::File(path, Ok(text.into()))]
            }
            ReplayAsk::Console(rows, columns) | ReplayAsk::Size(rows, columns) => {
                vec![console(&format!("{rows}x{columns} $ "))]
            }
            ReplayAsk::Type(bytes) => {
                self.typed.extend(bytes);
                let typed = String::from_utf8_lossy(&self.typed).into_owned();
                vec![console(&format!("$ {typed}"))]
            }
            ReplayAsk::EndConsole => Vec::new(),
            ReplayAsk::Close => {
                self.closed += 1;
                Vec::new()
            }
        }
    }

    fn run(&mut self, to: ReplayTo) -> Vec<ReplayNews> {
        let (trajectory, places) = self.open.as_ref().unwrap();
        let mut news = vec![ReplayNews::Preparing("starting the sandbox".to_owned())];
        while let Some(place) = places.get(self.stands) {
            let is_there = match to {
                ReplayTo::Call(call) => self.stands > call,
                _ => false,
            };
            if is_there {
                break;
            }
            news.push(ReplayNews::Began(self.stands));
            if self.hangs {
                let text = "collecting ...\nhalf a li".to_owned();
                news.push(ReplayNews::Wrote(self.stands, text));
                return news;
            }
            let call = outcome(trajectory, *place, self.stands);
            let diverges = call.verdict.diverges();
            news.push(ReplayNews::Ended(self.stands, Arc::new(call)));
            self.stands += 1;
            if to == ReplayTo::Next || to == ReplayTo::Divergence && diverges {
                break;
            }
        }
        if to == ReplayTo::End {
            let mut result = result(trajectory, places);
            result.record.sha256 = self.record.unwrap();
            news.push(ReplayNews::Finished(Arc::new(result), Ok(())));
        }
        news.push(ReplayNews::Stands(self.stands, None));
        news
    }
}

const PATCH: &str = "\
diff --git a/harbor.py b/harbor.py
--- a/harbor.py
+++ b/harbor.py
@@ -1 +1 @@
-tide = 1
+tide = 2
";

fn folder(path: String) -> ReplayNews {
    let names: &[(&str, bool)] = match path.as_str() {
        "" => &[("docs", true), ("src", true), ("harbor.py", false)],
        _ => &[("a.py", false)],
    };
    let changed = [("harbor.py", What::Written), ("old.py", What::Removed)];
    let changed = changed.map(|(path, what)| (path.to_owned(), what));
    let found = FolderFound {
        entries: names
            .iter()
            .map(|(name, is_folder)| ((*name).to_owned(), *is_folder))
            .collect(),
        changed: changed.into_iter().collect(),
    };
    ReplayNews::Folder(path, Ok(found))
}

fn console(row: &str) -> ReplayNews {
    ReplayNews::Console(ConsoleFrame {
        rows: vec![vec![(row.to_owned(), Ink::default())]],
        cursor: Some((0, u16::try_from(row.len()).unwrap())),
        has_keypad: false,
        end: None,
    })
}

fn places(trajectory: &Trajectory) -> Vec<CallRef> {
    let steps = trajectory.steps.iter().enumerate();
    let of_step = |(step, found): (usize, &hgview::model::Step)| {
        (0..found.actions.len())
            .map(|call| CallRef { step, call })
            .collect::<Vec<_>>()
    };
    steps.flat_map(of_step).collect()
}

fn action(trajectory: &Trajectory, place: CallRef) -> &Action {
    &trajectory.steps[place.step].actions[place.call]
}

fn about(trajectory: &Arc<Trajectory>, places: &[CallRef]) -> Replayable {
    let row = |place: &CallRef| {
        let action = action(trajectory, *place);
        CallRow {
            place: *place,
            class: action.class,
            meaning: understand::meaning(action),
            exit_code: action.observation.as_ref().and_then(|seen| seen.exit_code),
        }
    };
    Replayable {
        trajectory: Arc::clone(trajectory),
        calls: places.iter().map(row).collect(),
        tier: Tier::Namespace,
        unproved: vec![Proof {
            bound: Bound::Memory,
            holding: Holding::NotEnforced,
            why: "no memory controller".to_owned(),
        }],
        refused: Vec::new(),
        base: "rebuilt from the trajectory".to_owned(),
        earlier: None,
    }
}

fn outcome(trajectory: &Trajectory, place: CallRef, nth: usize) -> CallReplay {
    let action = action(trajectory, place);
    let seen = action.observation.as_ref();
    let exit = seen.and_then(|seen| seen.exit_code);
    let is_talk = matches!(action.class, ActionClass::Think | ActionClass::Finish);
    let (verdict, exit_code, why) = match nth {
        _ if is_talk => (StepVerdict::NoOp, exit, None),
        2 => {
            let why = "line 1: a last line → nothing";
            (StepVerdict::Drift, exit, Some(why))
        }
        3 => (
            StepVerdict::ExitCode,
            Some(127),
            Some("exit status 0 → 127"),
        ),
        4 => (StepVerdict::MatchNormalised, exit, Some("but for times")),
        _ => (StepVerdict::Match, exit, None),
    };
    let text = seen.and_then(|seen| seen.first_text());
    let other = text.map_or(String::new(), |text| format!("{text}\nand a last line"));
    CallReplay {
        step: place.step,
        call: place.call,
        tool: action.tool.as_str().into(),
        verdict,
        why: why.map(str::to_owned),
        after_divergence: nth > 2,
        exit_code,
        observation: verdict.diverges().then(|| Text::from(other)),
    }
}

fn result(trajectory: &Trajectory, places: &[CallRef]) -> RecordReplay {
    let calls: Vec<CallReplay> = places
        .iter()
        .enumerate()
        .map(|(nth, place)| outcome(trajectory, *place, nth))
        .collect();
    let first = calls.iter().find(|call| call.verdict.diverges());
    RecordReplay {
        v: RecordReplay::VERSION,
        record: RecordRef {
            sha256: hgview::model::ContentHash::of(b""),
            id: trajectory.id.as_str().into(),
            path: "attempts.jsonl".into(),
            nth: 1,
        },
        base: BaseKind::Rebuilt,
        notes: vec!["3 files are known in part".to_owned()],
        first_divergence: first.map(|call| call.step),
        calls,
        patch: Some(PatchReplay {
            patch: PATCH.into(),
            text: Some(Same::Differs),
            files: vec![FileReplay {
                path: "harbor.py".to_owned(),
                same: Some(false),
            }],
        }),
        verified: vec![Verified {
            by: "strict".to_owned(),
            verdict: Verdict::Reject,
            why: "code was removed".to_owned(),
            accepted: 1,
            runs: 3,
        }],
        error: None,
    }
}
