//! Names of keys below a folder. Both engine versions keep records under the same place, so both list here.

use std::collections::VecDeque;

use serde::Deserialize;
use strongroom_engine::{Ctx, Error, Field, Input, Number, Output, Result, field};

use crate::record::Record;
use crate::{json, store};

/// Names in one answer. A folder that holds more is read in pages.
const NAMES_MAX: usize = 1_000_000;
/// Keys in one answer that carries their metadata.
const DETAILED_MAX: usize = 10_000;
/// Size of such an answer; checked after each key.
const DETAILED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Part of a long list.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Page {
    after: String,
    limit: Number,
}

impl Input for Page {
    const FIELDS: &'static [Field] = &[
        field::<String>("after", "Names up to this one are left out."),
        field::<Number>("limit", "Most names to answer; 0 or none is all.").clear(),
    ];
}

/// Keys and folders directly below a folder, sorted. Errors: `NotFound` when there are none.
pub async fn list(ctx: &mut Ctx, path: &str, input: Page) -> Result<Output> {
    let names = page(ctx, path, &input, NAMES_MAX).await?;
    if names.is_empty() {
        return Err(Error::NotFound);
    }
    let mut out = b"{".to_vec();
    keys_into(&mut out, &names);
    out.push(b'}');
    Ok(Output::raw_data(out))
}

/// All keys below a folder, nearer ones first.
pub async fn scan(ctx: &mut Ctx, path: &str) -> Result<Output> {
    let names = below(ctx, &folder(path), NAMES_MAX).await?;
    let mut out = b"{".to_vec();
    if !names.is_empty() {
        keys_into(&mut out, &names);
    }
    out.push(b'}');
    Ok(Output::raw_data(out))
}

/// As `list`, with the metadata of each key; folders have none.
pub async fn list_detailed(ctx: &mut Ctx, path: &str, input: Page) -> Result<Output> {
    let names = page(ctx, path, &input, DETAILED_MAX).await?;
    if names.is_empty() {
        return Err(Error::NotFound);
    }
    detailed(ctx, &folder(path), &names).await
}

/// As `scan`, with the metadata of each key.
pub async fn scan_detailed(ctx: &mut Ctx, path: &str) -> Result<Output> {
    let folder = folder(path);
    let names = below(ctx, &folder, DETAILED_MAX).await?;
    if names.is_empty() {
        return Ok(Output::raw_data(b"{}".to_vec()));
    }
    detailed(ctx, &folder, &names).await
}

/// The folder's name with a slash at its end; empty for the root.
fn folder(path: &str) -> String {
    match path.trim_end_matches('/') {
        "" => String::new(),
        name => format!("{name}/"),
    }
}

async fn page(ctx: &mut Ctx, path: &str, input: &Page, names_max: usize) -> Result<Vec<String>> {
    let wanted = usize::try_from(input.limit.0).ok().filter(|n| (1..=names_max).contains(n));
    let after = Some(input.after.as_str()).filter(|after| !after.is_empty());
    let names = names(ctx, &folder(path), after, wanted.unwrap_or(names_max.saturating_add(1))).await?;
    if names.len() > names_max {
        return Err(too_many(names_max));
    }
    Ok(names)
}

async fn names(ctx: &mut Ctx, folder: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>> {
    if folder.len() > store::NAME_BYTES_MAX {
        return Ok(Vec::new());
    }
    ctx.list(&store::records(&ctx.mount, folder), after, limit).await
}

/// Keys at any depth, relative to the folder, folder by folder.
async fn below(ctx: &mut Ctx, root: &str, names_max: usize) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = VecDeque::from([String::new()]);
    while let Some(folder) = folders.pop_front() {
        let room = names_max.saturating_sub(found.len()).saturating_sub(folders.len());
        let names = names(ctx, &format!("{root}{folder}"), None, room.saturating_add(1)).await?;
        if names.len() > room {
            return Err(too_many(names_max));
        }
        for name in names {
            let is_folder = name.ends_with('/');
            let name = format!("{folder}{name}");
            if is_folder { folders.push_back(name) } else { found.push(name) }
        }
    }
    Ok(found)
}

fn too_many(names_max: usize) -> Error {
    Error::invalid(format!("more than {names_max} names: list folder by folder with `after` and `limit`"))
}

fn keys_into(out: &mut Vec<u8>, names: &[String]) {
    out.extend_from_slice(b"\"keys\":[");
    for (i, name) in names.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        json::text(out, name);
    }
    out.push(b']');
}

async fn detailed(ctx: &Ctx, folder: &str, names: &[String]) -> Result<Output> {
    // Nothing rests on these reads, and there may be more of them than one commit can check.
    let peek = ctx.peek();
    let mut out = b"{\"key_info\":{".to_vec();
    for (i, name) in names.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        json::text(&mut out, name);
        out.push(b':');
        let key = store::records(&ctx.mount, &format!("{folder}{name}"));
        let entry = if name.ends_with('/') { None } else { peek.get(&key).await? };
        match entry {
            Some(entry) => json::metadata_into(&mut out, &Record::parse(entry.value())?),
            None => out.extend_from_slice(b"{}"),
        }
        if out.len() > DETAILED_BYTES_MAX {
            return Err(Error::invalid(format!(
                "answer is larger than {DETAILED_BYTES_MAX} bytes: list with `after` and `limit`"
            )));
        }
    }
    out.extend_from_slice(b"},");
    keys_into(&mut out, names);
    out.push(b'}');
    Ok(Output::raw_data(out))
}
