//! The endpoint that the arguments name.

use std::fs;

use crate::cli::args::EndpointArgs;
use crate::endpoint::Budget;
use crate::endpoint::Key;
use crate::endpoint::OpenAi;
use crate::endpoint::Prices;
use crate::endpoint::Settings;
use crate::error::Error;
use crate::error::Result;

/// The endpoint that the arguments name; `None` where they name none.
///
/// # Errors
/// *user* when the URL, a header or the variable of the key is wrong.
pub(super) fn endpoint(args: &EndpointArgs) -> Result<Option<OpenAi>> {
    let (Some(url), Some(model)) = (&args.endpoint, &args.model) else {
        return Ok(None);
    };
    let mut settings = Settings::new(url, model)?;
    settings.key = match &args.key_var {
        Some(name) => Some(Key::from_variable(name)?),
        None => None,
    };
    for header in &args.header {
        settings.add_header(header)?;
    }
    if let Some(path) = &args.ca_file {
        let shown = path.display();
        let pem = fs::read(path)
            .map_err(|err| Error::input(format!("{shown} cannot be read")).caused_by(err))?;
        settings
            .set_authorities(&pem)
            .map_err(|err| Error::user(format!("--ca-file {shown}")).caused_by(err))?;
    }
    settings.is_streamed = !args.no_stream;
    settings.tries = args.tries;
    settings.times.connect = args.connect_timeout;
    settings.times.whole = args.answer_timeout;
    settings.times.idle = args.idle_timeout;
    settings.prices = match (args.price_in, args.price_out) {
        (Some(input), Some(output)) => Some(Prices { input, output }),
        _ => None,
    };
    Ok(Some(OpenAi::new(settings)))
}

/// What all answers together may take.
pub(super) fn budget(args: &EndpointArgs) -> Budget {
    Budget::new(args.max_tokens_total, args.max_cost)
}
