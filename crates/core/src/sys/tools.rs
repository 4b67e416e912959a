//! `sys/tools/`: random bytes and hashes, as a service.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use strongroom_engine::{Ctx, Error, Field, Input, Number, Output, Present, Result, Route, Text, Verb, field, route};

pub fn routes() -> Vec<Route> {
    vec![
        route(Verb::Write, "tools/random", "Random bytes.", random),
        route(Verb::Write, "tools/random/{bytes_or_source..}", "Random bytes.", random),
        route(Verb::Write, "tools/hash", "The hash of given bytes.", hash),
        route(Verb::Write, "tools/hash/{urlalgorithm}", "The hash of given bytes.", hash),
    ]
}

/// Most random bytes in one answer.
const RANDOM_BYTES_MAX: i64 = 128 * 1024;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Random {
    bytes: Present<Number>,
    format: Present<Text>,
    source: Present<Text>,
    bytes_or_source: Present<Text>,
}

impl Input for Random {
    const FIELDS: &'static [Field] = &[
        field::<Number>("bytes", "How many; 32 when left out.").clear(),
        field::<Text>("format", "`base64` or `hex`.").clear(),
        field::<Text>("source", "`platform`, `seal` or `all`: one generator serves all.").clear(),
        field::<Text>("bytes_or_source", "`N`, `SOURCE` or `SOURCE/N` in the path.").clear(),
    ];
}

async fn random(ctx: &mut Ctx, input: Random) -> Result<Output> {
    let (mut source, mut count) = (input.source.into_option().map(|t| t.0), input.bytes.into_option().map(|n| n.0));
    if let Present::Is(Text(path)) = input.bytes_or_source {
        for part in path.split('/') {
            match part.parse() {
                Ok(n) => count = Some(n),
                Err(_) => source = Some(part.to_owned()),
            }
        }
    }
    let source = source.unwrap_or_else(|| "platform".into());
    if !matches!(source.as_str(), "platform" | "seal" | "all" | "") {
        return Err(Error::invalid("unsupported entropy source; must be \"platform\" or \"seal\", or \"all\""));
    }
    let count = count.unwrap_or(32);
    if count < 1 {
        return Err(Error::invalid("'bytes' cannot be less than 1"));
    }
    if count > RANDOM_BYTES_MAX {
        return Err(Error::invalid(format!("'bytes' should be less than {RANDOM_BYTES_MAX}")));
    }
    let mut bytes = vec![0u8; usize::try_from(count).unwrap_or_default()];
    ctx.rng.fill(&mut bytes);
    let text = match input.format.into_option().map_or("base64".into(), |t| t.0).as_str() {
        "base64" => STANDARD.encode(&bytes),
        "hex" => hex::encode(&bytes),
        _ => return Err(Error::invalid("unsupported encoding format; must be \"hex\" or \"base64\"")),
    };
    Output::data(&json!({ "random_bytes": text }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Hash {
    input: Text,
    algorithm: Present<Text>,
    urlalgorithm: Present<Text>,
    format: Present<Text>,
}

impl Input for Hash {
    const FIELDS: &'static [Field] = &[
        field::<Text>("input", "Bytes in base64."),
        field::<Text>("algorithm", "`sha2-224` to `sha2-512` or `sha3-256` to `sha3-512`; `sha2-256` when left out.").clear(),
        field::<Text>("urlalgorithm", "The same in the path, which counts first.").clear(),
        field::<Text>("format", "`hex` or `base64`.").clear(),
    ];
}

async fn hash(_: &mut Ctx, input: Hash) -> Result<Output> {
    let bytes = STANDARD.decode(&input.input.0).map_err(|_| Error::invalid("unable to decode input as base64"))?;
    let name = input.urlalgorithm.into_option().or(input.algorithm.into_option()).map_or("sha2-256".into(), |t| t.0);
    let algorithm = match name.as_str() {
        "sha2-224" => &digest::SHA224,
        "sha2-256" => &digest::SHA256,
        "sha2-384" => &digest::SHA384,
        "sha2-512" => &digest::SHA512,
        "sha3-256" => &digest::SHA3_256,
        "sha3-384" => &digest::SHA3_384,
        "sha3-512" => &digest::SHA3_512,
        _ => return Err(Error::invalid("unsupported algorithm")),
    };
    let sum = digest::digest(algorithm, &bytes);
    let text = match input.format.into_option().map_or("hex".into(), |t| t.0).as_str() {
        "hex" => hex::encode(sum.as_ref()),
        "base64" => STANDARD.encode(sum.as_ref()),
        _ => return Err(Error::invalid("unsupported encoding format; must be \"hex\" or \"base64\"")),
    };
    Output::data(&json!({ "sum": text }))
}
