//! All that a plug-in sees: typed routes, inputs and outputs, its part of the store, the caller, time and randomness.
//! A plug-in never sees the core, another mount or the token store, and never spawns a task of its own.

mod builtin;
mod cidrs;
mod ctx;
mod error;
pub mod input;
mod key;
mod lease;
mod list;
mod login;
mod output;
mod password;
mod route;
mod slow;
pub mod testing;

pub use builtin::{Builtin, Engine, EngineKind, Options};
pub use cidrs::Cidrs;
pub use ctx::{Caller, Ctx, Lifetimes, MountFacts, Peek, TokenKind};
pub use error::{Error, Result};
pub use input::{
    AnyFields, Decimal, Field, FieldSet, Flag, Input, Inputs, JsonLimits, List, Loose, NoFields, Number, Present, Seconds,
    SecretText, StringMap, Text, check_budget, field,
};
pub use key::Key;
pub use lease::{Lease, NewLease, RenewedLease};
pub use list::{Page, list_names};
pub use login::{Login, TokenFields, TokenTerms, TokenType};
pub use output::{Afterwards, Auth, AuthView, Body, LoginFacts, NewToken, Output, Raw, Streamed, SystemOutput};
pub use password::{PasswordDocument, password_policy_key};
pub use route::{Attributes, Fold, Gate, LoginName, Operation, Pattern, Route, Verb, route};
pub use slow::SlowPool;
pub use strongroom_barrier::Entry;
