//! `revoke`: by serial number or by the certificate itself, and by the end of a lease.

use der::{Decode, Encode};
use serde::{Deserialize, Serialize};
use strongroom_engine::{Ctx, Error, Field, Input, Lease, Output, Result, Route, Text, Verb, field, route};
use x509_cert::Certificate;

use crate::certificate::{self, Serial};
use crate::error::printable;
use crate::store::{self, Der, Issued, Issuer, Revoked};
use crate::{csr, pem};

/// Issuers of one mount that are looked at for the one that signed a certificate.
const ISSUERS_MAX: usize = 1000;

pub fn routes() -> Vec<Route> {
    vec![route(Verb::Write, "revoke", "Revokes a certificate of this mount.", revoke).shows(SHOWN)]
}

const SHOWN: &[&str] = &["revocation_time", "revocation_time_rfc3339", "state"];

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RevokeFields {
    serial_number: Text,
    certificate: Text,
}

impl Input for RevokeFields {
    const FIELDS: &'static [Field] = &[
        field::<Text>("serial_number", "Serial number, in hexadecimal with colons or hyphens.").clear(),
        field::<Text>("certificate", "The certificate in PEM, for one that was not kept.").clear(),
    ];
}

#[derive(Serialize)]
struct Answer {
    revocation_time: u64,
    revocation_time_rfc3339: String,
    state: &'static str,
}

async fn revoke(ctx: &mut Ctx, input: RevokeFields) -> Result<Output> {
    let (serial, issued) = match (input.serial_number.0.as_str(), input.certificate.0.as_str()) {
        ("", "") => return Err(Error::invalid("The serial number or certificate to revoke must be provided.")),
        (text, "") => by_serial(ctx, text).await?,
        ("", text) => by_certificate(ctx, text).await?,
        _ => return Err(Error::invalid("Must provide either the certificate or the serial to revoke; not both.")),
    };
    refuse_issuer(ctx, &issued).await?;
    if ctx.now.unix_s() > issued.not_after_s {
        let warning = format!("certificate {} has expired already, so it is not put on the revocation list", serial.text());
        return Ok(Output::raw_data(b"null".to_vec()).warn(warning));
    }
    let revoked = mark(ctx, &serial, &issued.issuer, issued.not_after_s).await?;
    Output::data(&Answer {
        revocation_time: revoked.at.unix_s(),
        revocation_time_rfc3339: revoked.at.rfc3339(),
        state: "revoked",
    })
}

async fn by_serial(ctx: &mut Ctx, text: &str) -> Result<(Serial, Issued)> {
    let unknown = || Error::invalid(format!("certificate with serial {} not found.", printable(text)));
    let serial = Serial::parse(text).ok_or_else(unknown)?;
    let key = store::issued(&ctx.mount).name(&serial.text());
    let issued = ctx.load(&key).await?.ok_or_else(unknown)?;
    Ok((serial, issued))
}

/// SECURITY: only what an issuer of this mount signed is taken; it is kept, so that it can be read as revoked.
async fn by_certificate(ctx: &mut Ctx, text: &str) -> Result<(Serial, Issued)> {
    let malformed = || Error::invalid("the certificate must be one certificate in PEM");
    let der = pem::decode(text, &["CERTIFICATE"]).ok_or_else(malformed)?;
    let found = Certificate::from_der(&der).map_err(|_| malformed())?;
    let serial = Serial::of(&found);
    let key = store::issued(&ctx.mount).name(&serial.text());
    if let Some(issued) = ctx.load::<Issued>(&key).await?.filter(|issued| issued.certificate.0 == der) {
        return Ok((serial, issued));
    }
    let foreign = "unable to verify signature on presented cert from any present issuer in this mount; certificates from previous \
                   CAs will need to have their issuing CA and key re-imported if revocation is necessary";
    let issuer = signer(ctx, &found).await?.ok_or_else(|| Error::InvalidListed(foreign.into()))?;
    let issued = Issued { not_after_s: certificate::not_after_s(&found), certificate: Der(der), issuer: issuer.id };
    ctx.save(key, &issued)?;
    Ok((serial, issued))
}

/// The issuer of this mount that signed a certificate.
async fn signer(ctx: &mut Ctx, found: &Certificate) -> Result<Option<Issuer>> {
    let area = store::issuers(&ctx.mount);
    for id in ctx.list(&area, None, ISSUERS_MAX).await? {
        let key = area.clone().name(&id);
        let Some(issuer) = ctx.load::<Issuer>(&key).await? else { continue };
        let ca = certificate::read(&issuer.certificate.0)?;
        if ca.tbs_certificate().subject() == found.tbs_certificate().issuer() && is_signed_by(found, &ca) {
            return Ok(Some(issuer));
        }
    }
    Ok(None)
}

fn is_signed_by(found: &Certificate, ca: &Certificate) -> bool {
    let Ok(body) = found.tbs_certificate().to_der() else { return false };
    let same_algorithm = found.signature_algorithm() == found.tbs_certificate().signature();
    let key = ca.tbs_certificate().subject_public_key_info();
    same_algorithm && csr::verifies(key, found.signature_algorithm(), &body, found.signature())
}

async fn refuse_issuer(ctx: &mut Ctx, issued: &Issued) -> Result<()> {
    let key = store::issuers(&ctx.mount).name(&issued.issuer);
    match ctx.load::<Issuer>(&key).await? {
        Some(issuer) if issuer.certificate == issued.certificate => {
            Err(Error::invalid(format!("adding issuer (id: {}) to its own CRL is not allowed", issuer.id)))
        }
        _ => Ok(()),
    }
}

/// Writes the revocation. One that is there keeps its time.
async fn mark(ctx: &mut Ctx, serial: &Serial, issuer: &str, not_after_s: u64) -> Result<Revoked> {
    let key = store::revoked(&ctx.mount).name(&serial.text());
    if let Some(revoked) = ctx.load(&key).await? {
        return Ok(revoked);
    }
    let revoked = Revoked { issuer: issuer.to_owned(), at: ctx.now, not_after_s };
    ctx.save(key, &revoked)?;
    store::touch_lists(ctx);
    Ok(revoked)
}

/// What `issue` keeps with a lease.
#[derive(Deserialize)]
struct Recipe {
    serial: String,
    issuer: String,
    not_after_s: u64,
}

/// Revokes a lease's certificate unless it ended by itself.
pub async fn revoke_lease(ctx: &mut Ctx, lease: &Lease) -> Result<()> {
    let damaged = || Error::Internal("the recipe of a lease is damaged".into());
    let recipe: Recipe = serde_json::from_value(lease.recipe.clone()).map_err(|_| damaged())?;
    if ctx.now.unix_s() >= recipe.not_after_s {
        return Ok(());
    }
    let serial = Serial::parse(&recipe.serial).ok_or_else(damaged)?;
    mark(ctx, &serial, &recipe.issuer, recipe.not_after_s).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn input_tables_match() {
        strongroom_engine::testing::assert_fields_match::<super::RevokeFields>();
    }
}
