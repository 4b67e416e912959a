//! Distinguished names: one attribute in each part, in the usual order.

use der::asn1::{Any, ObjectIdentifier, SetOfVec};
use der::{Decode, Tag};
use strongroom_engine::{Error, Result};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use crate::error::encoding;
use crate::key::der_of;
use crate::role::Role;

/// Longest value of an attribute, and most values of one.
const VALUE_CHARS_MAX: usize = 255;
const VALUES_MAX: usize = 32;

const COMMON_NAME: (&str, ObjectIdentifier) = ("common_name", ObjectIdentifier::new_unwrap("2.5.4.3"));
const SERIAL_NUMBER: (&str, ObjectIdentifier) = ("serial_number", ObjectIdentifier::new_unwrap("2.5.4.5"));
const COUNTRY: (&str, ObjectIdentifier) = ("country", ObjectIdentifier::new_unwrap("2.5.4.6"));
const LOCALITY: (&str, ObjectIdentifier) = ("locality", ObjectIdentifier::new_unwrap("2.5.4.7"));
const PROVINCE: (&str, ObjectIdentifier) = ("province", ObjectIdentifier::new_unwrap("2.5.4.8"));
const STREET: (&str, ObjectIdentifier) = ("street_address", ObjectIdentifier::new_unwrap("2.5.4.9"));
const ORGANIZATION: (&str, ObjectIdentifier) = ("organization", ObjectIdentifier::new_unwrap("2.5.4.10"));
const UNIT: (&str, ObjectIdentifier) = ("ou", ObjectIdentifier::new_unwrap("2.5.4.11"));
const POSTAL_CODE: (&str, ObjectIdentifier) = ("postal_code", ObjectIdentifier::new_unwrap("2.5.4.17"));
const USER_ID: (&str, ObjectIdentifier) = ("user_ids", ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"));

/// Values by attribute; empty ones are left out.
#[derive(Default, Clone, Debug)]
pub struct Subject {
    pub country: Vec<String>,
    pub organization: Vec<String>,
    pub ou: Vec<String>,
    pub locality: Vec<String>,
    pub province: Vec<String>,
    pub street_address: Vec<String>,
    pub postal_code: Vec<String>,
    pub user_ids: Vec<String>,
    pub common_name: String,
    pub serial_number: String,
}

impl Subject {
    /// Errors: `Invalid` naming the field and the rule.
    pub fn name(&self) -> Result<Name> {
        let (common_name, serial_number) = ([self.common_name.clone()], [self.serial_number.clone()]);
        let attributes: [((&str, ObjectIdentifier), &[String]); 10] = [
            (COUNTRY, &self.country),
            (ORGANIZATION, &self.organization),
            (UNIT, &self.ou),
            (LOCALITY, &self.locality),
            (PROVINCE, &self.province),
            (STREET, &self.street_address),
            (POSTAL_CODE, &self.postal_code),
            (USER_ID, &self.user_ids),
            (COMMON_NAME, &common_name),
            (SERIAL_NUMBER, &serial_number),
        ];
        let mut parts = Vec::new();
        for ((field, oid), values) in attributes {
            if values.len() > VALUES_MAX {
                return Err(Error::invalid(format!("{field} has more than {VALUES_MAX} values")));
            }
            for value in values.iter().filter(|v| !v.is_empty()) {
                parts.push(part(field, oid, value)?);
            }
        }
        Name::from_der(&der_of(&RdnSequence::from(parts))?).map_err(encoding)
    }
}

/// What every certificate of a role says. Errors: as `Subject::name`.
pub fn of_role(role: &Role) -> Result<Subject> {
    let subject = Subject {
        country: role.country.clone(),
        organization: role.organization.clone(),
        ou: role.ou.clone(),
        locality: role.locality.clone(),
        province: role.province.clone(),
        street_address: role.street_address.clone(),
        postal_code: role.postal_code.clone(),
        ..Subject::default()
    };
    subject.name()?;
    Ok(subject)
}

/// RFC 5280, appendix A: country and serial number are of a narrow alphabet, the others UTF-8.
fn part(field: &str, oid: ObjectIdentifier, value: &str) -> Result<RelativeDistinguishedName> {
    if value.chars().count() > VALUE_CHARS_MAX || value.chars().any(char::is_control) {
        let rule = format!("{field} must have at most {VALUE_CHARS_MAX} characters, without control characters");
        return Err(Error::invalid(rule));
    }
    let is_narrow = field == COUNTRY.0 || field == SERIAL_NUMBER.0;
    if is_narrow && !value.chars().all(|c| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c)) {
        return Err(Error::invalid(format!("{field} takes letters, digits, spaces and '()+,-./:=? only")));
    }
    let tag = if is_narrow { Tag::PrintableString } else { Tag::Utf8String };
    let value = Any::new(tag, value.as_bytes()).map_err(encoding)?;
    let set = SetOfVec::try_from(vec![AttributeTypeAndValue { oid, value }]).map_err(encoding)?;
    Ok(RelativeDistinguishedName::from(set))
}
