//! The list of all samples: which attempt is written in which format to which file.
#![expect(
    clippy::expect_used,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "a generator that writes the same few files every time"
)]

mod atif;
mod attempt;
mod chat;
mod faults;
mod inspect;
mod openhands_v0;
mod openhands_v1;
mod pack;
mod plot;
mod replay;
mod sessions;
mod side;
mod story;
mod swe_agent;
mod task;
mod wire;

use serde_json::Value;

use attempt::Attempt;
use openhands_v1::Year;

/// A file of `samples/`.
pub(crate) struct Sample {
    /// Its path below `samples/`, with slashes.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) bytes: Vec<u8>,
}

/// Collects files.
#[derive(Default)]
struct Out(Vec<Sample>);

impl Out {
    fn bytes(&mut self, path: &str, bytes: Vec<u8>) {
        self.0.push(Sample {
            path: path.to_owned(),
            bytes,
        });
    }

    fn lines(&mut self, path: &str, rows: &[Value]) {
        self.bytes(path, wire::jsonl(rows));
    }

    fn json(&mut self, path: &str, value: &Value) {
        self.bytes(path, wire::pretty(value));
    }

    fn one_line(&mut self, path: &str, value: &Value) {
        self.bytes(path, value.to_string().into_bytes());
    }
}

/// All samples, in a fixed order.
pub(crate) fn all() -> Vec<Sample> {
    let mut out = Out::default();
    hybrid_gym(&mut out);
    openhands_0(&mut out);
    openhands_1(&mut out);
    let (fix, bent) = (plot::fix_issue(), plot::bend_test());
    swe_agents(&mut out, &fix, &bent);
    chats(&mut out, &fix, &bent);
    logs(&mut out, &fix, &bent);
    for (path, record) in replay::attempts() {
        out.json(path, &record);
    }
    for (name, bytes) in faults::all(&fix) {
        out.bytes(&format!("faults/{name}"), bytes);
    }
    out.0
}

/// The Hybrid-Gym run with its tasks and verdicts.
fn hybrid_gym(out: &mut Out) {
    let run = [
        plot::localize_good(),
        plot::localize_one_line(),
        plot::localize_lost(),
        plot::dependencies(),
        plot::localize_issue(),
        plot::generate(),
    ];
    let rows: Vec<Value> = run.iter().map(openhands_v0::output_row).collect();
    out.lines("openhands-v0/output.jsonl", &rows);
    let attempts = [
        plot::localize_one_line(),
        plot::dependencies(),
        plot::dependencies_missed(),
        plot::dependencies_cut(),
        plot::localize_issue(),
        plot::localize_issue_elsewhere(),
    ];
    let attempts: Vec<Value> = attempts.iter().map(openhands_v0::output_row).collect();
    out.bytes(
        "openhands-v0/attempts.jsonl.gz",
        pack::gzip(&wire::jsonl(&attempts)),
    );
    out.bytes(
        "openhands-v0/localize.jsonl.gz",
        pack::gzip(&wire::jsonl(&rows[..2])),
    );
    let tasks: Vec<Value> = [
        task::func_localize(),
        task::dep_search(),
        task::issue_localize(),
        task::func_gen(),
        task::issue(),
    ]
    .map(|task| task.instance)
    .to_vec();
    out.lines("side/tasks.jsonl", &tasks);
    out.lines(
        "side/verdicts.jsonl",
        &run.iter().map(side::verdict).collect::<Vec<_>>(),
    );
}

/// The other layouts of V0.
fn openhands_0(out: &mut Out) {
    let fix = plot::fix_issue();
    let issue = plot::localize_issue();
    out.lines(
        "openhands-v0/pairs.jsonl",
        &[openhands_v0::pairs_row(&issue)],
    );
    out.lines(
        "openhands-v0/flattened.jsonl",
        &[openhands_v0::flattened_row(&fix)],
    );
    out.one_line(
        "openhands-v0/export.json",
        &Value::from(openhands_v0::events(&issue)),
    );
    out.one_line(
        "openhands-v0/feedback.json",
        &openhands_v0::feedback(&issue),
    );
    for event in openhands_v0::events(&plot::dependencies()) {
        out.one_line(
            &format!("openhands-v0/session-dep/events/{}.json", event["id"]),
            &event,
        );
    }
    out.one_line("openhands-v0/session-dep/metadata.json", &serde_json::json!({ "conversation_id": story::hex("session", 32),
        "title": "Mark what fits calls", "llm_model": plot::PILOT, "accumulated_cost": 0.01, "prompt_tokens": 5200,
        "completion_tokens": 310 }));
}

/// The layouts of V1.
fn openhands_1(out: &mut Out) {
    out.lines(
        "openhands-v1/output-2025.jsonl",
        &[openhands_v1::output_row(&plot::dependencies(), Year::Y2025)],
    );
    let twice = [
        openhands_v1::output_row(&plot::localize_good(), Year::Y2026),
        openhands_v1::output_row(&plot::localize_one_line(), Year::Y2026),
    ];
    out.lines("openhands-v1/output.jsonl", &twice);
    event_folder(
        out,
        "openhands-v1/conversation",
        &plot::generate(),
        Year::Y2026,
    );
    let mut packed = Out::default();
    event_folder(
        &mut packed,
        "workspace/conversations/fix/event_service",
        &plot::fix_issue(),
        Year::Y2025,
    );
    let members: Vec<_> = packed
        .0
        .into_iter()
        .map(|sample| (sample.path, sample.bytes))
        .collect();
    out.bytes("openhands-v1/conversation.tar.gz", pack::tar_gz(&members));
    out.one_line(
        "openhands-v1/llm_completions/issue_localize/harbor-pilot-1741064767.0.json",
        &openhands_v1::completion(&plot::localize_issue()),
    );
}

fn event_folder(out: &mut Out, folder: &str, a: &Attempt, year: Year) {
    out.one_line(
        &format!("{folder}/base_state.json"),
        &openhands_v1::base_state(a, year),
    );
    for (ix, event) in openhands_v1::events(a, year, true).iter().enumerate() {
        let id = event["id"].as_str().unwrap_or_default();
        out.one_line(&format!("{folder}/events/event-{ix:05}-{id}.json"), event);
    }
}

fn swe_agents(out: &mut Out, fix: &Attempt, bent: &Attempt) {
    out.json(
        &format!("swe-agent/0.x/{}.traj", fix.task.id),
        &swe_agent::traj_0(fix),
    );
    out.json(
        &format!("swe-agent/1.x/{}.traj", bent.task.id),
        &swe_agent::traj_1(bent),
    );
    out.json("mini-swe-agent/v0.traj.json", &swe_agent::mini_0(bent));
    out.json(
        &format!("mini-swe-agent/{0}/{0}.traj.json", fix.task.id),
        &swe_agent::mini_1(fix),
    );
    out.json(
        "mini-swe-agent/timeout/timeout.traj.json",
        &swe_agent::mini_timeout(&plot::localize_lost()),
    );
    out.json("mini-swe-agent/preds.json", &side::predictions(&[fix]));
    out.json("side/report.json", &side::report(&[fix]));
}

fn chats(out: &mut Out, fix: &Attempt, bent: &Attempt) {
    let both = [fix, bent];
    out.lines("chat/tool_calls.jsonl", &both.map(chat::tool_calls_row));
    out.lines("chat/xml.jsonl", &[chat::xml_row(fix)]);
    out.lines(
        "chat/messages_as_text.jsonl",
        &[chat::text_messages_row(bent)],
    );
    out.lines("chat/fenced.jsonl", &[chat::fenced_row(fix)]);
    out.lines("chat/nebius.jsonl", &[swe_agent::nebius_row(bent)]);
    let hybrid = [plot::localize_good(), plot::dependencies()];
    out.lines(
        "chat/hybrid_gym.jsonl",
        &hybrid.iter().map(chat::hybrid_gym_row).collect::<Vec<_>>(),
    );
    out.bytes(
        "chat/hybrid_gym.jsonl.zst",
        pack::zstd(&wire::jsonl(&[chat::hybrid_gym_row(&plot::dependencies())])),
    );
    out.bytes(
        "chat/nested.parquet",
        pack::parquet_nested(&both.map(chat::xml_row)),
    );
    out.bytes(
        "chat/texts.parquet",
        pack::parquet_texts(&both.map(chat::text_messages_row)),
    );
    out.one_line(
        "adp/sample_std.json",
        &Value::from(vec![chat::adp_std(fix), chat::adp_std(bent)]),
    );
    out.one_line(
        "adp/sample_sft.json",
        &Value::from(vec![chat::adp_sft(fix)]),
    );
}

fn logs(out: &mut Out, fix: &Attempt, bent: &Attempt) {
    out.json("atif/trajectory.json", &atif::harbor(fix));
    out.json("atif/third_party.json", &atif::third_party(bent));
    out.lines(
        "atif/stream.atif.jsonl",
        &atif::streamed(&plot::dependencies()),
    );

    let both = [fix.clone(), bent.clone()];
    out.one_line("inspect/log.json", &inspect::log(&both[1..]));
    for (name, condensed, method) in [
        (
            "inspect/deflate.eval",
            false,
            zip::CompressionMethod::Deflated,
        ),
        ("inspect/zstd.eval", true, zip::CompressionMethod::Zstd),
    ] {
        let header = inspect::header(&both).to_string().into_bytes();
        let mut members = vec![("_journal/start.json".to_owned(), header.clone())];
        for a in &both {
            let sample = inspect::sample(a, condensed).to_string().into_bytes();
            members.push((format!("samples/{}_epoch_{}.json", a.task.id, a.no), sample));
        }
        members.push(("header.json".to_owned(), header));
        out.bytes(name, pack::zip(&members, method));
    }

    for (path, bytes) in sessions::claude(fix, &plot::localize_one_line()) {
        out.bytes(&format!("claude-code/{path}"), bytes);
    }
    out.lines(
        "codex/rollout-2025-03-04T05-06-07.jsonl",
        &sessions::codex(fix),
    );
    out.lines("codex/legacy.jsonl", &sessions::codex_legacy(bent));
}
