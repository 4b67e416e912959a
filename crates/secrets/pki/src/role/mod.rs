//! Roles: who may be certified how. A role's record has the names that the API shows, so that the two can't differ.

mod check;
pub mod routes;
mod usage;

use serde::{Deserialize, Serialize};
use strongroom_engine::{Ctx, Error, Field, Flag, Input, List, Number, Present, Result, Seconds, Text, field};
use strongroom_types::Ttl;

use crate::store;

pub use check::policies;
pub use usage::{ext_key_usages, key_usages};

/// From one list of fields: the record, what a request may say, and how the one changes the other.
macro_rules! role_fields {
    ($($name:ident: $wire:ty => $kept:ty = $default:expr, $help:literal;)*) => {
        #[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
        #[serde(default)]
        pub struct Role {
            $(pub $name: $kept,)*
        }

        /// What a role is that says nothing.
        impl Default for Role {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        #[derive(Deserialize, Default)]
        #[serde(default)]
        pub struct RoleFields {
            pub name: Text,
            $($name: Present<$wire>,)*
        }

        impl Input for RoleFields {
            const FIELDS: &'static [Field] = &[
                field::<Text>("name", "Name of the role.").clear(),
                $(field::<$wire>(stringify!($name), $help).clear(),)*
            ];
        }

        impl RoleFields {
            /// Changes what is given and leaves the rest.
            fn apply(self, role: &mut Role) {
                $(if let Present::Is(value) = self.$name { role.$name = value.0; })*
            }
        }

        pub const SHOWN: &[&str] = &[$(stringify!($name)),*];
    };
}

role_fields! {
    ttl: Seconds => Ttl = Ttl::ZERO, "Lifetime of certificates where none is asked for; 0 is the mount's default.";
    max_ttl: Seconds => Ttl = Ttl::ZERO, "Longest lifetime; 0 is the mount's.";
    not_before_duration: Seconds => Ttl = Ttl::from_s(30), "How long before the present certificates begin.";
    not_before: Text => String = String::new(), "Fixed beginning of certificates, as an RFC 3339 time.";
    not_before_bound: Text => String = "permit".into(), "Which beginnings may be asked for: permit, duration or forbid.";
    not_after: Text => String = String::new(), "Fixed end of certificates, as an RFC 3339 time.";
    not_after_bound: Text => String = "permit".into(), "Which ends may be asked for: permit, ttl-limited, forbid, or a time.";
    allowed_domains: List => Vec<String> = Vec::new(), "Domains that certificates may name.";
    allowed_domains_template: Flag => bool = false, "Not offered: must be false.";
    allow_bare_domains: Flag => bool = false, "Allows the domains themselves.";
    allow_subdomains: Flag => bool = false, "Allows names below the domains, and wildcards below them.";
    allow_glob_domains: Flag => bool = false, "Lets stars in the domains stand for any text.";
    allow_wildcard_certificates: Flag => bool = true, "Allows names with a wildcard label.";
    allow_any_name: Flag => bool = false, "Allows every name.";
    allow_localhost: Flag => bool = true, "Allows localhost and localdomain.";
    allow_token_displayname: Flag => bool = false, "Allows the caller's display name.";
    allow_globs_in_identity_templates: Flag => bool = false, "Not offered: must be false.";
    enforce_hostnames: Flag => bool = true, "Lets common names be host names and mail addresses only.";
    cn_validations: List => Vec<String> = vec!["email".into(), "hostname".into()], "Kinds of common names: email, hostname; or disabled.";
    require_cn: Flag => bool = true, "Refuses requests without a common name.";
    allow_ip_sans: Flag => bool = true, "Allows IP addresses.";
    allowed_ip_sans_cidr: List => Vec<String> = Vec::new(), "Networks that IP addresses must lie in; empty is any.";
    allowed_uri_sans: List => Vec<String> = Vec::new(), "URIs that certificates may name; stars stand for any text.";
    allowed_uri_sans_template: Flag => bool = false, "Not offered: must be false.";
    allowed_other_sans: List => Vec<String> = Vec::new(), "Other names, as OID;UTF8:VALUE with stars, or a single star.";
    allowed_serial_numbers: List => Vec<String> = Vec::new(), "Serial numbers of subjects, with stars.";
    allowed_user_ids: List => Vec<String> = Vec::new(), "User ids of subjects, with stars.";
    server_flag: Flag => bool = true, "For TLS servers.";
    client_flag: Flag => bool = true, "For TLS clients.";
    code_signing_flag: Flag => bool = false, "For signing code.";
    email_protection_flag: Flag => bool = false, "For mail.";
    key_type: Text => String = "rsa".into(), "Kind of key: rsa, ec, ed25519, or any for signing requests only.";
    key_bits: Number => i64 = 0, "Size of the key; 0 is the type's default.";
    signature_bits: Number => i64 = 0, "Hash of an RSA issuer's signature: 256, 384 or 512; 0 is the default.";
    use_pss: Flag => bool = false, "Not offered: must be false.";
    key_usage: List => Vec<String> = vec!["DigitalSignature".into(), "KeyAgreement".into(), "KeyEncipherment".into()], "Key usages.";
    ext_key_usage: List => Vec<String> = Vec::new(), "Extended key usages by name, beside those of the flags.";
    ext_key_usage_oids: List => Vec<String> = Vec::new(), "Extended key usages by OID.";
    use_csr_common_name: Flag => bool = true, "Takes the common name of a signing request.";
    use_csr_sans: Flag => bool = true, "Takes the alternative names of a signing request.";
    ou: List => Vec<String> = Vec::new(), "Organizational units.";
    organization: List => Vec<String> = Vec::new(), "Organizations.";
    country: List => Vec<String> = Vec::new(), "Countries.";
    locality: List => Vec<String> = Vec::new(), "Localities.";
    province: List => Vec<String> = Vec::new(), "Provinces.";
    street_address: List => Vec<String> = Vec::new(), "Street addresses.";
    postal_code: List => Vec<String> = Vec::new(), "Postal codes.";
    policy_identifiers: List => Vec<String> = Vec::new(), "OIDs of certificate policies.";
    basic_constraints_valid_for_non_ca: Flag => bool = false, "Says in each certificate that it is no CA.";
    generate_lease: Flag => bool = false, "Gives certificates a lease; its end revokes them.";
    no_store: Flag => bool = false, "Keeps no copy, so that serial numbers can't be listed or revoked.";
    issuer_ref: Text => String = "default".into(), "Id or name of the issuer.";
}

/// The role that certificates are issued by. Errors: `Invalid` when there is none.
pub async fn load(ctx: &mut Ctx, name: &str) -> Result<Role> {
    let key = store::roles(&ctx.mount).name(name);
    let unknown = || Error::invalid(format!("unknown role: {}", crate::error::printable(name)));
    ctx.load(&key).await?.ok_or_else(unknown)
}

/// Errors: `UnsupportedPath` for what can name no role.
pub fn checked_name(name: &str) -> Result<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let has_form = name.starts_with(is_word) && name.ends_with(is_word) && name.chars().all(|c| is_word(c) || "-.".contains(c));
    if has_form && name.len() <= 512 { Ok(name) } else { Err(Error::UnsupportedPath) }
}

#[cfg(test)]
mod tests {
    use strongroom_engine::testing::assert_fields_match;

    #[test]
    fn input_tables_match() {
        assert_fields_match::<super::RoleFields>();
    }
}
