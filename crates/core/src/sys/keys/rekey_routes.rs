//! `sys/rekey/` for listeners that open it, `sys/rotate/root/` for callers with a token, and the backup of both. Starting and
//! reading the backup need sudo; giving a share needs a policy that allows it, since the share is the proof.

use serde_json::json;
use strongroom_engine::{Attributes, Ctx, Error, Gate, NoFields, Output, Result, Route, Verb, route};
use zeroize::Zeroizing;

use super::rekey::{Cancel, Form, Share, Start, complete, status, verify_status};
use crate::SystemCall;
use crate::keys::rekey::{self, Backup, Updated, Verified, backup_key};

const STATUS: &[&str] = &[
    "nonce",
    "started",
    "n",
    "t",
    "progress",
    "required",
    "pgp_fingerprints",
    "backup",
    "verification_required",
    "verification_nonce",
    "complete",
];

pub fn routes() -> Vec<Route> {
    let open = Attributes { no_token: true, once: true, never_wrapped: true, gate: Some(Gate::Rekey), ..Attributes::default() };
    let open_asks = Attributes { asks_sudo: true, ..open };
    let once = Attributes { once: true, ..Attributes::default() };
    let sudo = Attributes { sudo: true, ..once };
    let asks = Attributes { asks_sudo: true, ..once };
    let mut routes = vec![
        route(Verb::Read, "rekey/init", "Shows the replacement of the unseal keys.", read_rekey).attributes(open),
        route(Verb::Write, "rekey/init", "Starts replacing the unseal keys.", start_rekey).attributes(open),
        route(Verb::Delete, "rekey/init", "Cancels the replacement of the unseal keys.", cancel).attributes(open_asks),
        route(Verb::Write, "rekey/update", "Gives one of today's unseal keys.", update_rekey).attributes(open),
        route(Verb::Read, "rekey/verify", "Shows the verification of the new keys.", read_verify_rekey).attributes(open),
        route(Verb::Write, "rekey/verify", "Gives one of the new keys back.", verify_rekey).attributes(open),
        route(Verb::Delete, "rekey/verify", "Starts the verification again.", verify_again_rekey).attributes(open_asks),
        route(Verb::Read, "rotate/root/init", "Shows the replacement of the unseal keys.", read_rotate).attributes(once),
        route(Verb::Write, "rotate/root/init", "Starts replacing the unseal keys.", start_rotate).attributes(sudo),
        route(Verb::Delete, "rotate/root/init", "Cancels the replacement of the unseal keys.", cancel).attributes(asks),
        route(Verb::Write, "rotate/root/update", "Gives one of today's unseal keys.", update_rotate).attributes(once),
        route(Verb::Read, "rotate/root/verify", "Shows the verification of the new keys.", read_verify_rotate).attributes(once),
        route(Verb::Write, "rotate/root/verify", "Gives one of the new keys back.", verify_rotate).attributes(once),
        route(Verb::Delete, "rotate/root/verify", "Starts the verification again.", verify_again_rotate).attributes(asks),
    ];
    routes = routes.into_iter().map(|route| route.shows(STATUS)).collect();
    let sudo = Attributes { sudo: true, ..Attributes::default() };
    for path in ["rekey/backup", "rotate/root/backup"] {
        routes.push(route(Verb::Read, path, "The new keys, encrypted, by OpenPGP fingerprint.", backup).attributes(sudo));
        routes.push(route(Verb::Delete, path, "Deletes the encrypted keys.", delete_backup).attributes(sudo));
    }
    routes
}

async fn read(ctx: &mut Ctx, form: Form) -> Result<Output> {
    status(form, &rekey::status(&SystemCall::of(ctx)?.core).await?)
}

async fn start(ctx: &mut Ctx, input: Start, form: Form) -> Result<Output> {
    let wish = input.wish(ctx.now)?;
    status(form, &rekey::start(&SystemCall::of(ctx)?.core, wish, form.busy()).await?)
}

async fn cancel(ctx: &mut Ctx, input: Cancel) -> Result<Output> {
    rekey::cancel(&SystemCall::of(ctx)?.core, input.nonce().as_deref(), ctx.has_sudo).await?;
    Ok(Output::nothing())
}

async fn update(ctx: &mut Ctx, input: Share, form: Form) -> Result<Output> {
    let key = Zeroizing::new(input.key.0);
    match rekey::update(&SystemCall::of(ctx)?.core, &input.nonce.0, &key, form.idle()).await? {
        Updated::Counted(shown) => status(form, &shown),
        Updated::Complete(done) => complete(form, done),
    }
}

async fn read_verify(ctx: &mut Ctx, form: Form) -> Result<Output> {
    verify_status(form, &rekey::verify_status(&SystemCall::of(ctx)?.core, form.without_verification()).await?)
}

async fn verify(ctx: &mut Ctx, input: Share, form: Form) -> Result<Output> {
    let key = Zeroizing::new(input.key.0);
    match rekey::verify(&SystemCall::of(ctx)?.core, &input.nonce.0, &key, form.idle()).await? {
        Verified::Counted(shown) => verify_status(form, &shown),
        Verified::Complete { nonce, afterwards } => {
            let done = json!({ "nonce": nonce, "complete": true });
            Ok(Output { afterwards: Some(afterwards), ..form.output(&done)? })
        }
    }
}

async fn verify_again(ctx: &mut Ctx, input: Cancel, form: Form) -> Result<Output> {
    let core = &SystemCall::of(ctx)?.core;
    let again = rekey::verify_again(core, input.nonce().as_deref(), ctx.has_sudo, form.without_verification()).await?;
    verify_status(form, &again)
}

async fn read_rekey(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    read(ctx, Form::Rekey).await
}

async fn read_rotate(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    read(ctx, Form::Rotate).await
}

async fn start_rekey(ctx: &mut Ctx, input: Start) -> Result<Output> {
    start(ctx, input, Form::Rekey).await
}

async fn start_rotate(ctx: &mut Ctx, input: Start) -> Result<Output> {
    start(ctx, input, Form::Rotate).await
}

async fn update_rekey(ctx: &mut Ctx, input: Share) -> Result<Output> {
    update(ctx, input, Form::Rekey).await
}

async fn update_rotate(ctx: &mut Ctx, input: Share) -> Result<Output> {
    update(ctx, input, Form::Rotate).await
}

async fn read_verify_rekey(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    read_verify(ctx, Form::Rekey).await
}

async fn read_verify_rotate(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    read_verify(ctx, Form::Rotate).await
}

async fn verify_rekey(ctx: &mut Ctx, input: Share) -> Result<Output> {
    verify(ctx, input, Form::Rekey).await
}

async fn verify_rotate(ctx: &mut Ctx, input: Share) -> Result<Output> {
    verify(ctx, input, Form::Rotate).await
}

async fn verify_again_rekey(ctx: &mut Ctx, input: Cancel) -> Result<Output> {
    verify_again(ctx, input, Form::Rekey).await
}

async fn verify_again_rotate(ctx: &mut Ctx, input: Cancel) -> Result<Output> {
    verify_again(ctx, input, Form::Rotate).await
}

async fn backup(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let backup: Backup = ctx.load(&backup_key()).await?.ok_or_else(|| Error::invalid("no backed-up keys found"))?;
    let mut in_base64 = std::collections::BTreeMap::new();
    for (fingerprint, messages) in &backup.keys {
        in_base64.insert(fingerprint, messages.iter().map(|text| base64_of(text)).collect::<Result<Vec<_>>>()?);
    }
    let shown = json!({ "nonce": backup.nonce, "keys": backup.keys, "keys_base64": in_base64 });
    Ok(Output::data(&shown)?.top_level())
}

fn base64_of(in_hex: &str) -> Result<String> {
    use base64::Engine as _;
    let bytes = hex::decode(in_hex).map_err(|_| Error::Internal("the backup of the keys is malformed".into()))?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}

async fn delete_backup(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    ctx.delete(backup_key());
    Ok(Output::nothing())
}
