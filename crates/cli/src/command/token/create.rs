//! `token create`. Must never send a setting that was not given: the server's defaults are the server's.

use std::io::Read;

use clap::Args;
use strongroom_client::api::CreateToken;

use super::answered;
use crate::arguments::{duration_text, is_set, pair};
use crate::connection::Connection;
use crate::environment::Environment;
use crate::output::{Failure, Printed};

/// How long the token lives and how often it can be used.
#[derive(Args)]
struct Life {
    /// Life of the token
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    ttl: Option<String>,
    /// End of its life, whatever is renewed
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    explicit_max_ttl: Option<String>,
    /// Make it last as long as it is renewed this often
    #[arg(long, value_name = "DURATION", value_parser = duration_text)]
    period: Option<String>,
    /// Let it be renewed [default: true]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    renewable: Option<bool>,
    /// Number of requests it is good for; 0 is any number
    #[arg(long)]
    use_limit: Option<u64>,
}

#[derive(Args)]
pub struct Create {
    /// Policy of the token; may be given more than once; those of the token in use when absent
    #[arg(long)]
    policy: Vec<String>,
    /// Leave the default policy out
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    no_default_policy: Option<bool>,
    /// Let it outlive the token in use
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    orphan: Option<bool>,
    /// Name for logs
    #[arg(long)]
    display_name: Option<String>,
    /// Note for logs; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// The token itself, or - to read it from standard input; for root only
    #[arg(long)]
    id: Option<String>,
    /// service or batch
    #[arg(long = "type", value_parser = ["service", "batch"])]
    kind: Option<String>,
    /// Role to make it by
    #[arg(long)]
    role: Option<String>,
    /// Alias whose entity it is given; only with a role that allows it
    #[arg(long)]
    entity_alias: Option<String>,
    #[command(flatten)]
    life: Life,
    /// Print only this field, without a line feed
    #[arg(long, help_heading = "Output")]
    field: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

impl Create {
    pub(crate) async fn execute(self, environment: &Environment, input: &mut dyn Read) -> Result<Printed, Failure> {
        let mut session = self.connection.open(environment, input)?;
        let request = CreateToken {
            id: self.id.map(|arg| session.secret(&arg, "token")).transpose()?,
            policies: self.policy,
            metadata: self.metadata.into_iter().collect(),
            ttl: self.life.ttl,
            explicit_max_ttl: self.life.explicit_max_ttl,
            period: self.life.period,
            no_parent: is_set(self.orphan),
            no_default_policy: is_set(self.no_default_policy),
            renewable: self.life.renewable,
            display_name: self.display_name,
            num_uses: self.life.use_limit,
            token_type: self.kind,
            entity_alias: self.entity_alias,
        };
        let envelope = session
            .client
            .create_token(self.role.as_deref(), &request)
            .await
            .map_err(|error| Failure::of(&error, "creating token"))?;
        answered(envelope.as_ref(), &session, self.field.as_deref())
    }
}
