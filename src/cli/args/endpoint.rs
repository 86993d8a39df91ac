//! What can be typed about an endpoint of a model.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::args::replay::seconds;

/// A chat endpoint, how it is asked, and what it may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Endpoint")]
pub(in crate::cli) struct EndpointArgs {
    /// The base URL of an OpenAI-compatible chat endpoint, such as <http://localhost:8000/v1>. Nothing is sent anywhere
    /// else
    #[arg(long, value_name = "URL", requires = "model", value_hint = clap::ValueHint::Url)]
    pub(in crate::cli) endpoint: Option<String>,

    /// The name of the model there
    #[arg(long, value_name = "NAME", requires = "endpoint", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(in crate::cli) model: Option<String>,

    /// The variable of the environment that holds the key. The key is sent and never stored or shown
    #[arg(long, value_name = "VARIABLE", requires = "endpoint")]
    pub(in crate::cli) key_var: Option<String>,

    /// Send this header, too: `Name: value`; may be given several times
    #[arg(long, value_name = "HEADER", requires = "endpoint")]
    pub(in crate::cli) header: Vec<String>,

    /// Believe the certificates of the authorities in this file (PEM) instead of those that are built in
    #[arg(long, value_name = "FILE", requires = "endpoint", value_hint = clap::ValueHint::FilePath)]
    pub(in crate::cli) ca_file: Option<PathBuf>,

    /// Ask for answers in one piece. In pieces, one that stands still is seen early
    #[arg(long, requires = "endpoint")]
    pub(in crate::cli) no_stream: bool,

    /// Ask so often for an answer where asking again may help
    #[arg(long, value_name = "N", default_value = "6", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(in crate::cli) tries: u32,

    /// How long connecting may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = seconds)]
    pub(in crate::cli) connect_timeout: Duration,

    /// How long a whole answer may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    pub(in crate::cli) answer_timeout: Duration,

    /// How long an answer that comes in pieces may stand still, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    pub(in crate::cli) idle_timeout: Duration,

    /// What a million tokens cost that are read, in US dollars
    #[arg(long, value_name = "DOLLARS", requires = "price_out", value_parser = dollars)]
    pub(in crate::cli) price_in: Option<f64>,

    /// What a million tokens cost that are written, in US dollars
    #[arg(long, value_name = "DOLLARS", requires = "price_in", value_parser = dollars)]
    pub(in crate::cli) price_out: Option<f64>,

    /// Ask for nothing more once all answers together cost this, in US dollars
    #[arg(long, value_name = "DOLLARS", requires = "price_in", value_parser = dollars)]
    pub(in crate::cli) max_cost: Option<f64>,

    /// Ask for nothing more once all answers together took so many tokens, read and written
    #[arg(long, value_name = "N", requires = "endpoint")]
    pub(in crate::cli) max_tokens_total: Option<u64>,
}

/// An amount of money.
fn dollars(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_no_number| "no number".to_owned())?;
    if number.is_finite() && number >= 0.0 {
        Ok(number)
    } else {
        Err("no amount of money".to_owned())
    }
}
