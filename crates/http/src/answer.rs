//! From a `wire::Answer` to an HTTP response: the headers every answer has, and what HTTP wants of HEAD and 204. Values are
//! static, so the hot path allocates the header table only. A value that can't be a header never gets on the wire.

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use http_body_util::Full;
use strongroom_core::wire::{Answer, ExtraHeaders, JSON};

use crate::activity::Working;
use crate::outgoing::Outgoing;

const JSON_VALUE: HeaderValue = HeaderValue::from_static(JSON);
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");
const CLOSE: HeaderValue = HeaderValue::from_static("close");
const HEADER_COUNT: usize = 8;

/// How the answer goes out, apart from what it says.
#[derive(Clone, Copy, Default)]
pub(crate) struct Delivery {
    /// The request was HEAD: the length is told, the body is not sent.
    pub head_only: bool,
    /// The connection ends after it (HTTP/1 only; HTTP/2 forbids the header).
    pub close: bool,
}

/// `working` is asked for when the body is a file.
pub(crate) fn response(answer: Answer, delivery: Delivery, working: impl FnOnce() -> Working) -> Response<Outgoing> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = HeaderMap::with_capacity(HEADER_COUNT);
    headers.insert(CONTENT_TYPE, content_type(answer.content_type));
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    add_rare(&mut headers, answer.location, answer.retry_after_s);
    add_extra(&mut headers, answer.extra);
    let mut body = if status == StatusCode::NO_CONTENT { Bytes::new() } else { answer.body };
    if delivery.head_only && status != StatusCode::NO_CONTENT {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        body = Bytes::new();
    }
    if delivery.close {
        headers.insert(CONNECTION, CLOSE);
    }
    let body = match answer.file.filter(|_| !delivery.head_only) {
        Some(content) => Outgoing::file(content, working()),
        None => Outgoing::Full(Full::new(body)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn content_type(text: &'static str) -> HeaderValue {
    if text == JSON { JSON_VALUE } else { HeaderValue::from_str(text).unwrap_or(JSON_VALUE) }
}

/// SECURITY: a location with control characters is left out; it would let a path write headers.
fn add_rare(headers: &mut HeaderMap, location: Option<String>, retry_after_s: Option<u32>) {
    if let Some(value) = location.and_then(|text| HeaderValue::try_from(text.into_bytes()).ok()) {
        headers.insert(LOCATION, value);
    }
    if let Some(seconds) = retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// A header given twice goes out twice, unless it is one that every answer has: that one is replaced.
/// SECURITY: what can't be a header is left out, as above.
fn add_extra(headers: &mut HeaderMap, extra: ExtraHeaders) {
    const ONE_OF_OURS: [HeaderName; 4] = [CONTENT_TYPE, CACHE_CONTROL, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS];
    for (name, value) in extra {
        let Ok(name) = HeaderName::try_from(name.as_ref()) else { continue };
        let Ok(value) = HeaderValue::try_from(value.into_bytes()) else { continue };
        if ONE_OF_OURS.contains(&name) {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;
    use strongroom_core::wire::Answer;

    use super::{Delivery, Response, response};
    use crate::outgoing::Outgoing;

    fn plain(answer: Answer, delivery: Delivery) -> Response<Outgoing> {
        response(answer, delivery, || panic!("no file"))
    }

    #[test]
    fn every_answer_has_the_same_four_headers() {
        for answer in [Answer::json(200, "{}"), Answer::empty(204), Answer::errors(404, &[])] {
            let response = plain(answer, Delivery::default());
            let value = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(value("content-type"), "application/json");
            assert_eq!(value("cache-control"), "no-store");
            assert_eq!(value("strict-transport-security"), "max-age=31536000; includeSubDomains");
            assert_eq!(value("x-content-type-options"), "nosniff");
            assert_eq!(response.headers().len(), 4);
        }
    }

    #[test]
    fn head_tells_the_length_and_sends_nothing() {
        let response = plain(Answer::json(200, "{}"), Delivery { head_only: true, close: false });
        assert_eq!(response.headers()["content-length"], "2");
        assert!(response.body().is_end_stream());
    }

    #[test]
    fn no_content_sends_nothing() {
        assert!(plain(Answer::json(204, "{}"), Delivery::default()).body().is_end_stream());
    }

    #[test]
    fn a_location_cannot_write_headers() {
        let redirect = |to: &str| plain(Answer { location: Some(to.to_owned()), ..Answer::empty(307) }, Delivery::default());
        assert_eq!(redirect("/v1/a/b").headers()["location"], "/v1/a/b");
        assert!(!redirect("/v1/a\r\nx: y").headers().contains_key("location"));
    }

    #[test]
    fn further_headers_go_out_unless_they_are_none() {
        let extra = [("X-A", "1"), ("X-A", "2"), ("Cache-Control", "private"), ("X-B", "a\r\nX-C: b"), ("X C", "1")];
        let extra = extra.map(|(name, value)| (name.into(), value.to_owned())).to_vec();
        let response = plain(Answer { extra, ..Answer::empty(200) }, Delivery::default());
        let values = |name: &str| response.headers().get_all(name).iter().cloned().collect::<Vec<_>>();
        assert_eq!(values("x-a"), ["1", "2"]);
        assert_eq!(values("cache-control"), ["private"]);
        assert_eq!(response.headers().len(), 6, "{response:?}");
    }

    #[test]
    fn an_impossible_status_is_an_error_of_ours() {
        assert_eq!(plain(Answer::empty(7), Delivery::default()).status(), 500);
    }
}
