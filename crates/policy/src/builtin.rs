//! The texts of the policies that every server has besides `root`, which has none.

/// What every token may do with itself, unless it is made without the default policy. Operators may replace it.
pub const DEFAULT_POLICY: &str = r#"# A token may look at, renew and end itself.
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self"  { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }

# It may ask what it is allowed to do. The second answer is for the UI, and its form may change.
path "sys/capabilities-self"         { capabilities = ["update"] }
path "sys/internal/ui/resultant-acl" { capabilities = ["read"] }

# It may read the entity it belongs to. Without an entity these two rules grant nothing.
path "identity/entity/id/{{identity.entity.id}}"     { capabilities = ["read"] }
path "identity/entity/name/{{identity.entity.name}}" { capabilities = ["read"] }

# It may look up and renew a lease whose id it knows.
path "sys/leases/lookup" { capabilities = ["update"] }
path "sys/leases/renew"  { capabilities = ["update"] }

# It may keep things in its own cubbyhole, which no other token can see.
path "cubbyhole/*" { capabilities = ["create", "read", "update", "delete", "list"] }

# It may wrap a response, see how long one will live, and unwrap one.
path "sys/wrapping/wrap"   { capabilities = ["update"] }
path "sys/wrapping/lookup" { capabilities = ["update"] }
path "sys/wrapping/unwrap" { capabilities = ["update"] }

# It may use the hash tool.
path "sys/tools/hash"   { capabilities = ["update"] }
path "sys/tools/hash/*" { capabilities = ["update"] }

# It may sign in to applications through an OIDC provider; the provider decides who may.
path "identity/oidc/provider/+/authorize" { capabilities = ["read", "update"] }
"#;

/// What a wrapping token may do: fetch what it wraps, once, and end itself.
pub const RESPONSE_WRAPPING_POLICY: &str = r#"path "cubbyhole/response"     { capabilities = ["create", "read"] }
path "sys/wrapping/unwrap"    { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
"#;
