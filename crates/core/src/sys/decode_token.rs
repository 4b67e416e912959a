//! `sys/decode-token`: opens the root token that generate-root gave out, with the one-time password it was closed with.
//! Needs no token: whoever has both parts has the token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{Attributes, Ctx, Error, Field, Input, Output, Result, Route, Text, Verb, field, route};
use zeroize::Zeroizing;

pub fn routes() -> Vec<Route> {
    let open = Attributes { no_token: true, ..Attributes::default() };
    vec![route(Verb::Write, "decode-token", "Opens an encoded root token.", decode).attributes(open)]
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Encoded {
    encoded_token: Text,
    otp: Text,
}
impl Input for Encoded {
    const FIELDS: &'static [Field] = &[
        field::<Text>("encoded_token", "What generate-root answered."),
        field::<Text>("otp", "The one-time password that it was asked with."),
    ];
}

async fn decode(_: &mut Ctx, input: Encoded) -> Result<Output> {
    let (encoded, otp) = (Zeroizing::new(input.encoded_token.0), Zeroizing::new(input.otp.0));
    if encoded.is_empty() || otp.is_empty() {
        return Err(Error::invalid("provided 'encoded_token' or 'otp' is empty"));
    }
    let bytes = STANDARD_NO_PAD.decode(encoded.trim_end_matches('='));
    let bytes = Zeroizing::new(bytes.map_err(|_| Error::invalid("error decoding base64'd token: illegal base64 data"))?);
    if bytes.len() != otp.len() {
        return Err(Error::invalid("error xoring token: 'encoded_token' and 'otp' are not of the same length"));
    }
    let token: Vec<u8> = bytes.iter().zip(otp.bytes()).map(|(a, b)| a ^ b).collect();
    let token = String::from_utf8(token).map_err(|_| Error::invalid("'encoded_token' was not made with this 'otp'"))?;
    Output::data(&json!({ "token": *Zeroizing::new(token) }))
}
