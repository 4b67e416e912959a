//! The metrics page without a token, on listeners that an operator opened for it. Answers while sealed too.

use strongroom_engine::Error;

use crate::Server;
use crate::metrics::Format;
use crate::wire::Answer;

/// `query` as of `sys/metrics`.
pub async fn answer(server: &Server, query: &str) -> Answer {
    let wanted = query.split('&').find_map(|p| p.strip_prefix("format=")).unwrap_or_default();
    match Format::read(wanted, server.parts.settings.telemetry) {
        Ok(format) => {
            let (content_type, text) = server.metrics.written(server, format).await;
            Answer { content_type, ..Answer::json(200, text) }
        }
        Err(why) => Answer { content_type: Format::TEXT, ..Answer::json(400, why) },
    }
}

/// As `answer`, for a handler.
pub fn refusal(why: &'static str) -> Error {
    let output = strongroom_engine::Output::raw(Format::TEXT, why.as_bytes().to_vec());
    Error::With(400, Box::new(output))
}
