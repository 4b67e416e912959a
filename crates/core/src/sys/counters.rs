//! `sys/internal/counters/`: how many tokens and entities there are.

use serde_json::json;
use strongroom_engine::{Ctx, Error, Key, NoFields, Output, Result, Route, Verb, route};

use crate::SystemCall;
use crate::identity::entities_area;

/// Names in one look at the store.
const PAGE: usize = 10_000;

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Read, "internal/counters/tokens", "Counts the tokens that are stored.", tokens),
        route(Verb::Read, "internal/counters/entities", "Counts the entities.", entities),
        route(Verb::Read, "internal/counters/requests", "Was removed from this API.", requests),
    ]
}

async fn tokens(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let total = count(ctx, &Key::area("t")).await?;
    Output::data(&json!({ "counters": { "service_tokens": { "total": total } } }))
}

async fn entities(ctx: &mut Ctx, _: NoFields) -> Result<Output> {
    let total = count(ctx, &entities_area()).await?;
    Output::data(&json!({ "counters": { "entities": { "total": total } } }))
}

/// Names directly below a folder. Looks past the transaction: nothing rests on the number.
async fn count(ctx: &Ctx, folder: &Key) -> Result<usize> {
    let view = &SystemCall::of(ctx)?.core.view;
    let (mut total, mut after) = (0usize, None);
    loop {
        let page = view.list(folder.as_bytes(), after.as_deref(), PAGE).await?;
        total = total.saturating_add(page.len());
        if page.len() < PAGE {
            return Ok(total);
        }
        after = page.last().cloned();
    }
}

async fn requests(_: &mut Ctx, _: NoFields) -> Result<Output> {
    Err(Error::NotFoundText("The functionality has been removed on this path"))
}
