//! Passwords that engines give to accounts elsewhere, by policies that operators write at `sys/policies/password/`.

use serde::{Deserialize, Serialize};
use strongroom_password::PasswordPolicy;
use strongroom_types::SecretString;

use crate::{Ctx, Error, Key, Result};

/// One policy as stored.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct PasswordDocument {
    /// As written.
    pub text: String,
}

/// Where a password policy is stored; `name` has no slash.
pub fn password_policy_key(name: &str) -> Key {
    Key::area("g").name(name)
}

impl PasswordDocument {
    /// Errors: `Internal` when the text no longer reads, since it was read when it was written.
    pub fn policy(&self) -> Result<PasswordPolicy> {
        PasswordPolicy::parse(&self.text).map_err(|e| Error::Internal(format!("a password policy in the store: {e}")))
    }
}

impl Ctx {
    /// A fresh password by this policy, or by the standard one when the name is empty. What is stored beside it does not rest
    /// on the policy. Errors: `Invalid` when there is no such policy.
    pub async fn generate_password(&self, policy: &str) -> Result<SecretString> {
        let policy = match policy {
            "" => PasswordPolicy::standard(),
            name => {
                let found: Option<PasswordDocument> = self.peek().load(&password_policy_key(name)).await?;
                found.ok_or_else(|| Error::invalid("password policy does not exist"))?.policy()?
            }
        };
        Ok(policy.generate(self.rng.as_ref()))
    }
}
