//! Route tables: data with typed handlers. The pipeline reads attributes and never compares path strings.

use std::sync::Arc;

use strongroom_types::BoxFuture;

use crate::{Ctx, Error, Field, FieldSet, Inputs, Output, Peek, Result};

/// What the caller's verb asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    Read,
    Write,
    Patch,
    Delete,
    List,
    Scan,
}

/// What is judged and recorded: a write is a create or an update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Create,
    Read,
    Update,
    Patch,
    Delete,
    List,
    Scan,
}

impl Operation {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Scan => "scan",
        }
    }
}

/// Special needs of a route, read by the stages.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Served without a token; policy is not asked.
    pub no_token: bool,
    /// Needs `sudo` besides the plain capability.
    pub sudo: bool,
    /// The handler wants to know whether the caller has sudo here, without needing it.
    pub asks_sudo: bool,
    /// The answer can't be wrapped.
    pub never_wrapped: bool,
    /// The answer must be wrapped.
    pub only_wrapped: bool,
    /// Any live token may ask; the handler judges what it may see.
    pub any_token: bool,
    /// The handler acts outside its transaction, so it is run once: the use of a limited token is paid in a commit before.
    pub once: bool,
    /// What the handler writes ends with the caller's token: the commit rests on the token's record, so that nothing comes
    /// after its end.
    pub rests_on_token: bool,
    /// Served only where the listener's configuration says so; elsewhere 405, whoever asks.
    pub gate: Option<Gate>,
    /// Served without a root token, and a bounded number of times, when the audit log is short of disk space: the way back
    /// in for an operator.
    pub rescue: bool,
}

/// What a listener serves without a token only when its configuration says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// Replacing the unseal keys.
    Rekey,
    /// A root token for whoever brings enough unseal keys.
    GenerateRoot,
}

type Erased = Box<dyn for<'a> Fn(&'a mut Ctx, &'a FieldSet) -> BoxFuture<'a, Result<Output>> + Send + Sync>;
type Exists = Arc<dyn for<'a> Fn(&'a Peek, &'a str) -> BoxFuture<'a, Result<bool>> + Send + Sync>;

/// Whose credentials a request tries, in the one form in which the method knows the name. None when it names nobody: then
/// the handler must refuse without looking at credentials.
pub type LoginName = fn(&FieldSet, &str) -> Option<String>;

type LoginRole = Box<dyn for<'a> Fn(&'a Peek, &'a FieldSet) -> BoxFuture<'a, Result<Option<String>>> + Send + Sync>;

/// The one form of a name that a path gives in any spelling. None for what can be no name: then the handler must refuse it.
pub type Fold = fn(&str) -> Option<String>;

pub struct Route {
    pub pattern: Pattern,
    pub verb: Verb,
    pub attributes: Attributes,
    pub fields: Vec<Field>,
    pub help: &'static str,
    /// Dotted paths of the answer's `data` that the audit log may show in clear.
    pub shown: &'static [&'static str],
    /// Statuses of its own beside 200 and 204, with what they say.
    pub statuses: &'static [(u16, &'static str)],
    /// Content types of answers that are no JSON.
    pub content_types: &'static [&'static str],
    handler: Erased,
    exists: Option<Exists>,
    login: Option<LoginName>,
    login_role: Option<LoginRole>,
    fold: Option<Fold>,
    /// Whether a warning names the fields that the input type does not know.
    takes_any_field: bool,
}

/// The one helper that makes `async fn(&mut Ctx, I) -> Result<Output>` storable.
pub trait Handler<'a, I>: Send + Sync {
    type Fut: Future<Output = Result<Output>> + Send + 'a;
    fn call(&self, ctx: &'a mut Ctx, input: I) -> Self::Fut;
}

impl<'a, I, F, Fut> Handler<'a, I> for F
where
    F: Fn(&'a mut Ctx, I) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Output>> + Send + 'a,
{
    type Fut = Fut;
    fn call(&self, ctx: &'a mut Ctx, input: I) -> Fut {
        self(ctx, input)
    }
}

/// One line of a route table.
pub fn route<I, F>(verb: Verb, pattern: &'static str, help: &'static str, handler: F) -> Route
where
    I: Inputs,
    F: for<'a> Handler<'a, I> + Clone + 'static,
{
    let erased: Erased = Box::new(move |ctx, fields| {
        let handler = handler.clone();
        Box::pin(async move {
            let (input, unknown) = I::read(fields)?;
            let mut output = handler.call(ctx, input).await?;
            if !unknown.is_empty() && !matches!(output.body, crate::Body::Nothing) {
                output.warnings.push(format!("Endpoint ignored these unrecognized parameters: [{}]", unknown.join(" ")));
            }
            Ok(output)
        })
    });
    Route {
        pattern: Pattern::new(pattern),
        verb,
        attributes: Attributes::default(),
        fields: I::fields(),
        help,
        shown: &[],
        statuses: &[],
        content_types: &[],
        handler: erased,
        exists: None,
        login: None,
        login_role: None,
        fold: None,
        takes_any_field: I::takes_any(),
    }
}

impl Route {
    #[must_use]
    pub fn attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// What the audit log may show of the answer. SECURITY: only what is no secret whoever stored it.
    #[must_use]
    pub fn shows(mut self, paths: &'static [&'static str]) -> Self {
        self.shown = paths;
        self
    }

    /// For the OpenAPI document: statuses beside 200, 204 and the usual refusals.
    #[must_use]
    pub fn also_answers(mut self, statuses: &'static [(u16, &'static str)]) -> Self {
        self.statuses = statuses;
        self
    }

    /// For the OpenAPI document: content types beside JSON.
    #[must_use]
    pub fn produces(mut self, content_types: &'static [&'static str]) -> Self {
        self.content_types = content_types;
        self
    }

    /// Makes a write to an absent entry a `create`. Without it every write is an update.
    #[must_use]
    pub fn exists<F>(mut self, check: F) -> Self
    where
        F: for<'a> Fn(&'a Peek, &'a str) -> BoxFuture<'a, Result<bool>> + Send + Sync + 'static,
    {
        self.exists = Some(Arc::new(check));
        self
    }

    /// Makes this a login by a secret that can be guessed: names are locked after too many failures (`Error::BadLogin`).
    /// SECURITY: every spelling of a name must give the same text, or each spelling is worth a full count of guesses.
    #[must_use]
    pub fn login(mut self, name: LoginName) -> Self {
        self.login = Some(name);
        self
    }

    /// Whether failures here can lock a name.
    pub fn is_login(&self) -> bool {
        self.login.is_some()
    }

    /// The name that a request tries to log in as. `path` is the path below the mount.
    pub fn login_name(&self, fields: &FieldSet, path: &str) -> Option<String> {
        self.login.and_then(|name| name(fields, path))
    }

    /// Makes this a login that asks for one of the method's roles, which limits by role count: `tell` gives the role's name
    /// in its one form (see `folds`), and None when there is no such role. It runs before the login and proves nothing.
    #[must_use]
    pub fn asks_role<F>(mut self, tell: F) -> Self
    where
        F: for<'a> Fn(&'a Peek, &'a FieldSet) -> BoxFuture<'a, Result<Option<String>>> + Send + Sync + 'static,
    {
        self.login_role = Some(Box::new(tell));
        self
    }

    /// Whether this is a login that asks for a role.
    pub fn is_role_login(&self) -> bool {
        self.login_role.is_some()
    }

    /// The role that a request asks for here. None when it asks for none that there is.
    pub async fn role_asked(&self, peek: &Peek, fields: &FieldSet) -> Result<Option<String>> {
        match &self.login_role {
            Some(tell) => tell(peek, fields).await,
            None => Ok(None),
        }
    }

    /// Says that the path's parameter is a name of which the handler knows one form only.
    /// SECURITY (CVE-2026-89322): needed wherever a handler folds a name, or a rule against one spelling is dodged by another.
    #[must_use]
    pub fn folds(mut self, fold: Fold) -> Self {
        self.fold = Some(fold);
        self
    }

    /// The path below the mount with its name in the one form. None where names have one spelling, and for no name.
    pub fn folded(&self, path: &str) -> Option<String> {
        let fold = self.fold?;
        let (_, name) = self.pattern.matches(path)?.pop()?;
        Some(format!("{}{}{}", self.pattern.head, fold(name)?, self.pattern.tail))
    }

    /// A name in the one form in which the handler knows it. None for what can be no name.
    pub fn fold_name(&self, name: &str) -> Option<String> {
        self.fold.map_or_else(|| Some(name.to_owned()), |fold| fold(name))
    }

    pub fn takes_any_field(&self) -> bool {
        self.takes_any_field
    }

    /// The operation that this request amounts to now. `path` is the path below the mount.
    pub async fn operation(&self, peek: &Peek, path: &str) -> Result<Operation> {
        Ok(match (self.verb, &self.exists) {
            (Verb::Write, Some(exists)) if !exists(peek, path).await? => Operation::Create,
            (Verb::Write, _) => Operation::Update,
            (Verb::Read, _) => Operation::Read,
            (Verb::Patch, _) => Operation::Patch,
            (Verb::Delete, _) => Operation::Delete,
            (Verb::List, _) => Operation::List,
            (Verb::Scan, _) => Operation::Scan,
        })
    }

    pub fn has_existence_check(&self) -> bool {
        self.exists.is_some()
    }

    /// Runs the handler. It may be run again after a conflict, so it must leave no trace outside its transaction.
    pub fn run<'a>(&'a self, ctx: &'a mut Ctx, fields: &'a FieldSet) -> BoxFuture<'a, Result<Output>> {
        (self.handler)(ctx, fields)
    }

    /// Whether the pattern fits, whatever the verb.
    pub fn serves(&self, path: &str) -> bool {
        self.pattern.matches(path).is_some()
    }

    /// Picks the route (its index) for a path below the mount. Errors: `UnsupportedOperation` when only the verb does not fit.
    pub fn find<'p>(routes: &[Self], verb: Option<Verb>, path: &'p str) -> Result<(usize, Vec<(&'static str, &'p str)>)> {
        let mut path_known = false;
        for (index, route) in routes.iter().enumerate() {
            let Some(parameters) = route.pattern.matches(path) else { continue };
            if Some(route.verb) == verb {
                return Ok((index, parameters));
            }
            path_known = true;
        }
        Err(if path_known { Error::UnsupportedOperation } else { Error::UnsupportedPath })
    }
}

/// `mounts/{path..}/tune`: literal segments, `{name}` for one segment, `{name..}` for one or more segments.
/// A pattern that ends in `/` matches folders; `{name..}` at the end also takes a trailing slash.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub text: &'static str,
    head: &'static str,
    parameter: Option<(&'static str, bool)>,
    tail: &'static str,
}

impl Pattern {
    /// At most one parameter; more are not needed yet.
    fn new(text: &'static str) -> Self {
        let Some((head, rest)) = text.split_once('{') else {
            return Self { text, head: text, parameter: None, tail: "" };
        };
        let (name, tail) = rest.split_once('}').unwrap_or((rest, ""));
        let parameter = name.strip_suffix("..").map_or((name, false), |n| (n, true));
        Self { text, head, parameter: Some(parameter), tail }
    }

    /// Whether a path below the mount has this form.
    pub fn is_of(&self, path: &str) -> bool {
        self.matches(path).is_some()
    }

    fn matches<'p>(&self, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
        let Some((name, many)) = self.parameter else {
            return (path == self.head).then(Vec::new);
        };
        let value = path.strip_prefix(self.head)?.strip_suffix(self.tail)?;
        let fits = !value.is_empty() && (many || !value.contains('/'));
        fits.then(|| vec![(name, value)])
    }
}
