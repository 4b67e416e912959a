//! What anybody may read: certificates by serial number, the CA's certificate, and its revocation list.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_engine::{
    Attributes, Ctx, Error, Field, Input, NoFields, Output, Page, Result, Route, Text, Verb, field, list_names, route,
};
use strongroom_types::BoxFuture;

use crate::certificate::Serial;
use crate::crl::Lists;
use crate::store::{self, Issued, Issuer, Revoked};
use crate::{issuers, pem};

const DER_TYPE: &str = "application/pkix-cert";
const PEM_TYPE: &str = "application/pem-certificate-chain";
const LIST_DER_TYPE: &str = "application/pkix-crl";
const LIST_PEM_TYPE: &str = "application/x-pem-file";

pub fn routes(lists: &Arc<Lists>) -> Vec<Route> {
    let open = Attributes { no_token: true, ..Attributes::default() };
    let read = |pattern, help, handler: fn(Ca) -> Result<Output>| {
        route(Verb::Read, pattern, help, boxed(move |ctx, _| Box::pin(of_ca(ctx, handler)))).attributes(open)
    };
    let list_of = |pattern, help, handler: fn(&[u8]) -> Result<Output>| {
        let lists = lists.clone();
        let run = boxed(move |ctx, _| Box::pin(of_list(lists.clone(), ctx, handler)));
        route(Verb::Read, pattern, help, run).attributes(open)
    };
    vec![
        read("ca", "The CA's certificate in DER.", ca_der).produces(&[DER_TYPE]),
        read("ca/pem", "The CA's certificate in PEM.", ca_pem).produces(&[PEM_TYPE]),
        read("ca_chain", "The CA's certificate and those above it in PEM.", ca_pem).produces(&[PEM_TYPE]),
        read("cert/ca", "The CA's certificate.", ca_json).shows(SHOWN),
        read("cert/ca_chain", "The CA's certificate and those above it.", chain_json).shows(SHOWN),
        list_of("crl", "The revocation list in DER.", crl_der).produces(&[LIST_DER_TYPE]),
        list_of("crl/pem", "The revocation list in PEM.", crl_pem).produces(&[LIST_PEM_TYPE]),
        list_of("cert/crl", "The revocation list.", crl_json).shows(SHOWN),
        route(Verb::Read, "cert/{serial}/raw/pem", "A certificate in PEM.", raw_pem).attributes(open).produces(&[PEM_TYPE]),
        route(Verb::Read, "cert/{serial}/raw", "A certificate in DER.", raw_der).attributes(open).produces(&[DER_TYPE]),
        route(Verb::Read, "cert/{serial}", "A certificate.", read_one).attributes(open).shows(SHOWN),
        route(Verb::List, "certs", "Lists the serial numbers.", list_issued).shows(&["keys"]),
        route(Verb::List, "certs/", "Lists the serial numbers.", list_issued).shows(&["keys"]),
        route(Verb::List, "certs/revoked", "Lists the serial numbers of what was revoked.", list_revoked).shows(&["keys"]),
        route(Verb::List, "certs/revoked/", "Lists the serial numbers of what was revoked.", list_revoked).shows(&["keys"]),
    ]
}

/// Says of a closure that it works for every lifetime of its context.
fn boxed<F>(run: F) -> F
where
    F: for<'a> Fn(&'a mut Ctx, NoFields) -> BoxFuture<'a, Result<Output>>,
{
    run
}

const SHOWN: &[&str] = &["ca_chain", "certificate", "issuer_id", "revocation_time", "revocation_time_rfc3339"];

#[derive(Serialize, Default)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_chain: Option<String>,
    certificate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer_id: Option<String>,
    /// 0 when it was not revoked.
    revocation_time: u64,
    revocation_time_rfc3339: String,
}

/// The default issuer's certificate in DER.
struct Ca(Vec<u8>);

/// 204 where there is no CA yet.
async fn of_ca(ctx: &mut Ctx, show: fn(Ca) -> Result<Output>) -> Result<Output> {
    match issuers::find(ctx, "default").await? {
        Some(Issuer { certificate, .. }) => show(Ca(certificate.0)),
        None => Ok(Output::nothing()),
    }
}

fn ca_der(ca: Ca) -> Result<Output> {
    Ok(Output::raw(DER_TYPE, ca.0))
}

fn ca_pem(ca: Ca) -> Result<Output> {
    Ok(Output::raw(PEM_TYPE, pem::encode("CERTIFICATE", &ca.0).into_bytes()))
}

fn ca_json(ca: Ca) -> Result<Output> {
    Output::data(&Answer { certificate: pem::encode("CERTIFICATE", &ca.0), ..Answer::default() })
}

fn chain_json(ca: Ca) -> Result<Output> {
    let chain = pem::encode("CERTIFICATE", &ca.0);
    Output::data(&Answer { ca_chain: Some(chain.clone()), certificate: chain, ..Answer::default() })
}

async fn of_list(lists: Arc<Lists>, ctx: &mut Ctx, show: fn(&[u8]) -> Result<Output>) -> Result<Output> {
    match issuers::find(ctx, "default").await? {
        Some(issuer) => show(&lists.of(ctx, &issuer).await?),
        None => Ok(Output::nothing()),
    }
}

fn crl_der(list: &[u8]) -> Result<Output> {
    Ok(Output::raw(LIST_DER_TYPE, list.to_vec()))
}

fn crl_pem(list: &[u8]) -> Result<Output> {
    Ok(Output::raw(LIST_PEM_TYPE, pem::encode("X509 CRL", list).into_bytes()))
}

fn crl_json(list: &[u8]) -> Result<Output> {
    Output::data(&Answer { certificate: pem::encode("X509 CRL", list), ..Answer::default() })
}

/// The serial number of the path.
#[derive(Deserialize, Default)]
#[serde(default)]
struct OfSerial {
    serial: Text,
}

impl Input for OfSerial {
    const FIELDS: &'static [Field] = &[field::<Text>("serial", "Serial number, in hexadecimal with colons or hyphens.").clear()];
}

impl OfSerial {
    fn number(&self) -> Result<Serial> {
        Serial::parse(&self.serial.0).ok_or(Error::NotFoundText("unsupported path"))
    }
}

async fn load(ctx: &mut Ctx, serial: &Serial) -> Result<Option<Issued>> {
    let key = store::issued(&ctx.mount).name(&serial.text());
    ctx.load(&key).await
}

async fn read_one(ctx: &mut Ctx, input: OfSerial) -> Result<Output> {
    let serial = input.number()?;
    let issued = load(ctx, &serial).await?.ok_or(Error::NotFound)?;
    let key = store::revoked(&ctx.mount).name(&serial.text());
    let revoked: Option<Revoked> = ctx.load(&key).await?;
    Output::data(&Answer {
        ca_chain: None,
        certificate: pem::encode("CERTIFICATE", &issued.certificate.0),
        issuer_id: revoked.as_ref().map(|r| r.issuer.clone()),
        revocation_time: revoked.as_ref().map_or(0, |r| r.at.unix_s()),
        revocation_time_rfc3339: revoked.as_ref().map(|r| r.at.rfc3339()).unwrap_or_default(),
    })
}

async fn raw_der(ctx: &mut Ctx, input: OfSerial) -> Result<Output> {
    let found = load(ctx, &input.number()?).await?;
    Ok(found.map_or_else(Output::nothing, |issued| Output::raw(DER_TYPE, issued.certificate.0)))
}

async fn raw_pem(ctx: &mut Ctx, input: OfSerial) -> Result<Output> {
    let found = load(ctx, &input.number()?).await?;
    let pem = |issued: Issued| Output::raw(PEM_TYPE, pem::encode("CERTIFICATE", &issued.certificate.0).into_bytes());
    Ok(found.map_or_else(Output::nothing, pem))
}

async fn list_issued(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let prefix = store::issued(&ctx.mount);
    serials(ctx, &prefix, page).await
}

async fn list_revoked(ctx: &mut Ctx, page: Page) -> Result<Output> {
    let prefix = store::revoked(&ctx.mount);
    serials(ctx, &prefix, page).await
}

async fn serials(ctx: &mut Ctx, prefix: &strongroom_engine::Key, mut page: Page) -> Result<Output> {
    page.after.0 = page.after.0.replace('-', ":").to_ascii_lowercase();
    list_names(ctx, prefix, &page).await
}

#[cfg(test)]
mod tests {
    #[test]
    fn input_tables_match() {
        strongroom_engine::testing::assert_fields_match::<super::OfSerial>();
    }
}
