//! `sys/generate-root/` for listeners that open it, `sys/generate-root-token/` for callers with a token.

use serde::Deserialize;
use serde_json::{Value, json};
use strongroom_engine::{
    Attributes, Ctx, Error, Field, Gate, Input, NoFields, Output, Present, Result, Route, Text, Verb, field, route,
};
use strongroom_types::SecretString;
use zeroize::Zeroizing;

use super::rekey::{Cancel, Share};
use super::{bare, recipients};
use crate::SystemCall;
use crate::keys::generate_root::{self, Cover, Status, TOKEN_LENGTH, Updated};

const SHOWN: &[&str] = &["nonce", "started", "progress", "required", "complete", "pgp_fingerprint", "otp_length"];

pub fn routes() -> Vec<Route> {
    let open = Attributes {
        no_token: true,
        once: true,
        never_wrapped: true,
        rescue: true,
        gate: Some(Gate::GenerateRoot),
        ..Attributes::default()
    };
    let open_asks = Attributes { asks_sudo: true, ..open };
    let once = Attributes { once: true, ..Attributes::default() };
    let sudo = Attributes { sudo: true, ..once };
    let asks = Attributes { asks_sudo: true, ..once };
    let routes = [
        route(Verb::Read, "generate-root/attempt", "Shows the generation of a root token.", read_bare).attributes(open),
        route(Verb::Write, "generate-root/attempt", "Starts generating a root token.", start_bare).attributes(open),
        route(Verb::Delete, "generate-root/attempt", "Cancels the generation of a root token.", cancel).attributes(open_asks),
        route(Verb::Write, "generate-root/update", "Gives one of the unseal keys.", update_bare).attributes(open),
        route(Verb::Read, "generate-root-token/attempt", "Shows the generation of a root token.", read).attributes(once),
        route(Verb::Write, "generate-root-token/attempt", "Starts generating a root token.", start).attributes(sudo),
        route(Verb::Delete, "generate-root-token/attempt", "Cancels the generation of a root token.", cancel).attributes(asks),
        route(Verb::Write, "generate-root-token/update", "Gives one of the unseal keys.", update).attributes(once),
    ];
    routes.into_iter().map(|route| route.shows(SHOWN)).collect()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Start {
    otp: Present<Text>,
    pgp_key: Present<Text>,
}

impl Input for Start {
    const FIELDS: &'static [Field] = &[
        field::<Text>("otp", "26 characters that the token is mixed with; made and answered when left out."),
        field::<Text>("pgp_key", "OpenPGP public key in base64, to encrypt the token to instead."),
    ];
}

fn status(status: &Status, otp: &str, otp_length: usize) -> Value {
    json!({
        "nonce": status.nonce,
        "started": status.started,
        "progress": status.given,
        "required": status.required,
        "complete": false,
        "encoded_token": "",
        "encoded_root_token": "",
        "pgp_fingerprint": status.fingerprint,
        "otp": otp,
        "otp_length": otp_length,
    })
}

async fn read_value(ctx: &mut Ctx) -> Result<Value> {
    Ok(status(&generate_root::status(&SystemCall::of(ctx)?.core).await?, "", TOKEN_LENGTH))
}

async fn start_value(ctx: &mut Ctx, input: Start) -> Result<Value> {
    let call = SystemCall::of(ctx)?;
    let given = |text: Present<Text>| text.into_option().map(|t| t.0).filter(|t| !t.is_empty());
    let (cover, made) = match (given(input.otp), given(input.pgp_key)) {
        (Some(_), Some(_)) => return Err(Error::invalid("give otp or pgp_key, not both")),
        (Some(otp), None) => (Cover::Otp(SecretString::new(otp)), None),
        (None, Some(key)) => (pgp_cover(key, ctx)?, None),
        (None, None) => {
            let otp = generate_root::new_otp(&call.core);
            (Cover::Otp(otp.duplicate()), Some(otp))
        }
    };
    let started = generate_root::start(&call.core, cover).await?;
    Ok(status(&started, made.as_ref().map_or("", |otp| otp.expose()), TOKEN_LENGTH))
}

fn pgp_cover(key: String, ctx: &Ctx) -> Result<Cover> {
    let recipient = recipients(&[key], ctx.now)?.pop().ok_or_else(|| Error::Internal("no OpenPGP key".into()))?;
    Ok(Cover::Pgp(Box::new(recipient)))
}

async fn cancel(ctx: &mut Ctx, input: Cancel) -> Result<Output> {
    generate_root::cancel(&SystemCall::of(ctx)?.core, input.nonce().as_deref(), ctx.has_sudo).await?;
    Ok(Output::nothing())
}

/// `answer` makes an output of the text.
async fn give(ctx: &mut Ctx, input: Share, answer: fn(&Value) -> Result<Output>) -> Result<Output> {
    let key = Zeroizing::new(input.key.0);
    let call = SystemCall::of(ctx)?;
    match generate_root::update(&call.core, ctx, &input.nonce.0, &key).await? {
        Updated::Counted(shown) => answer(&status(&shown, "", 0)),
        Updated::Complete { status: shown, encoded, afterwards } => {
            let mut done = status(&shown, "", 0);
            if let Value::Object(done) = &mut done {
                done.insert("complete".into(), json!(true));
                for name in ["encoded_token", "encoded_root_token"] {
                    done.insert(name.into(), json!(encoded.as_str()));
                }
            }
            Ok(Output { afterwards: Some(afterwards), ..answer(&done)? })
        }
    }
}

fn in_envelope(value: &Value) -> Result<Output> {
    Output::data(value)
}

async fn read(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    in_envelope(&read_value(ctx).await?)
}

async fn read_bare(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    bare(&read_value(ctx).await?)
}

async fn start(ctx: &mut Ctx, input: Start) -> Result<Output> {
    in_envelope(&start_value(ctx, input).await?)
}

async fn start_bare(ctx: &mut Ctx, input: Start) -> Result<Output> {
    bare(&start_value(ctx, input).await?)
}

async fn update(ctx: &mut Ctx, input: Share) -> Result<Output> {
    give(ctx, input, in_envelope).await
}

async fn update_bare(ctx: &mut Ctx, input: Share) -> Result<Output> {
    give(ctx, input, bare).await
}
