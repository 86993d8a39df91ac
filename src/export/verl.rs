//! `verl`: a Parquet table of prompts for reinforcement learning: what the agent was told, and what the reward needs.

use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Schema;
use serde_json::Value;
use serde_json::json;

use crate::columns::list;
use crate::columns::text;
use crate::export::Context;
use crate::export::Exporter;
use crate::export::Form;
use crate::export::Loss;
use crate::export::MaskPlace;
use crate::export::Refusal;
use crate::export::Rendered;
use crate::export::Subject;

/// The exporter.
pub(super) const EXPORTER: Exporter = Exporter {
    name: "verl",
    about: "Parquet of prompts and rewards (verl)",
    extension: "parquet",
    form: Form::Table(schema),
    masks: MaskPlace::Nowhere,
    tells_verdict: false,
    render,
};

fn schema() -> Schema {
    let turn = DataType::Struct(vec![text("role"), text("content")].into());
    let reward = DataType::Struct(vec![text("style"), text("ground_truth")].into());
    let extra = vec![
        text("split"),
        Field::new("index", DataType::Int64, true),
        text("instance_id"),
        text("repo"),
        text("base_commit"),
        Field::new("resolved", DataType::Boolean, true),
    ];
    Schema::new(vec![
        text("data_source"),
        list("prompt", turn),
        text("ability"),
        Field::new("reward_model", reward, true),
        Field::new("extra_info", DataType::Struct(extra.into()), true),
    ])
}

fn render(subject: &mut Subject<'_>, _: &Context) -> Result<Rendered, Refusal> {
    // the conversation is part of it then
    subject.trajectory()?;
    let chat = subject.chat()?;
    let prompt: Vec<Value> = chat
        .turns
        .iter()
        .take_while(|turn| turn.role() != "assistant")
        .map(|turn| json!({"role": turn.role(), "content": turn.text()}))
        .collect();
    if prompt.is_empty() {
        return Err(Refusal::new("has no prompt before the first answer"));
    }
    let trajectory = subject.trajectory()?;
    let task = trajectory.task.as_ref();
    let gold = task.and_then(|task| task.gold_patch.as_deref());
    let mut losses = vec![Loss::of("only the prompt and the right answer are kept")];
    if gold.is_none() {
        losses.push(Loss::of("no right answer is known; ground_truth is empty"));
    }
    let row = json!({
        "data_source": task.map_or("other", |task| task.kind.name()),
        "prompt": prompt,
        "ability": "code",
        "reward_model": {"style": "rule", "ground_truth": gold.unwrap_or_default()},
        "extra_info": {
            "split": subject.split.unwrap_or("train"),
            "index": subject.ix().0,
            "instance_id": subject.instance_id(),
            "repo": task.and_then(|task| task.repo.as_deref()),
            "base_commit": task.and_then(|task| task.base_commit.as_deref()),
            "resolved": trajectory.outcome.resolved,
        },
    });
    Ok(Rendered::row(row, losses))
}
