//! Other names: an object identifier and a text, written `OID;UTF8:VALUE`.

use der::asn1::{Any, ObjectIdentifier, Utf8StringRef};
use strongroom_engine::{Error, Result};
use strongroom_types::glob_fits;
use x509_cert::ext::pkix::name::GeneralName;

use crate::error::{encoding, printable};
use crate::role::Role;

const BYTES_MAX: usize = 1024;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OtherName {
    pub oid: ObjectIdentifier,
    pub value: String,
}

impl OtherName {
    /// Errors: the rule that the text breaks.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let Some((oid, rest)) = text.split_once(';') else {
            return Err(format!("expected a semicolon in other SAN \"{}\"", printable(text)));
        };
        let oid = ObjectIdentifier::new(oid.trim()).map_err(|_| "the part before the semicolon must be an object identifier")?;
        let (kind, value) = rest.split_once(':').ok_or("expected a colon after the type")?;
        if !["utf8", "utf-8"].contains(&kind.trim().to_ascii_lowercase().as_str()) {
            return Err("only the type UTF8 is taken".into());
        }
        if value.is_empty() || value.len() > BYTES_MAX || value.chars().any(char::is_control) {
            return Err(format!("the value must have 1 to {BYTES_MAX} bytes and no control characters"));
        }
        Ok(Self { oid, value: value.to_owned() })
    }

    pub fn general_name(&self) -> Result<GeneralName> {
        let value = Any::from(Utf8StringRef::new(&self.value).map_err(encoding)?);
        Ok(GeneralName::OtherName(x509_cert::ext::pkix::name::OtherName { type_id: self.oid, value }))
    }
}

/// Errors: `Invalid` when one is malformed.
pub fn parse(texts: &[String]) -> Result<Vec<OtherName>> {
    let read =
        |text: &String| OtherName::parse(text).map_err(|e| Error::invalid(format!("could not parse requested other SAN: {e}")));
    texts.iter().filter(|t| !t.trim().is_empty()).map(read).collect()
}

/// Errors: `Invalid` when the role does not allow one of them.
pub fn judge(role: &Role, names: &[OtherName]) -> Result<()> {
    if role.allowed_other_sans.iter().any(|a| a == "*") {
        return Ok(());
    }
    let allowed: Vec<OtherName> = role.allowed_other_sans.iter().filter_map(|a| OtherName::parse(a).ok()).collect();
    for name in names {
        let of_oid: Vec<_> = allowed.iter().filter(|a| a.oid == name.oid).collect();
        if of_oid.is_empty() {
            return Err(Error::invalid(format!("other SAN OID {} not allowed by this role", name.oid)));
        }
        if !of_oid.iter().any(|a| glob_fits(&a.value, &name.value)) {
            let (value, oid) = (printable(&name.value), name.oid);
            return Err(Error::invalid(format!("other SAN {value} not allowed for OID {oid} by this role")));
        }
    }
    Ok(())
}
