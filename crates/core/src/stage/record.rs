//! Stages 5 and 8: the audit log. The request's record stands before its effect, the answer's before the answer leaves;
//! when no sink takes a record there is no effect and no answer.

use std::sync::Arc;

use arc_swap::Guard;
use strongroom_audit::{
    AuditError, AuthBlock, AuthFacts, ClearPaths, Data, Kind, Names, NamespaceFacts, PolicyFacts, Record, RequestFacts,
    ResponseFacts, WrapFacts,
};
use strongroom_engine::{Body, Error, Operation, TokenKind, Verb};
use strongroom_types::Timestamp;

use super::admit::NotAdmitted;
use super::bind::Bound;
use super::judge::{Judgement, Permitted};
use super::{Admitted, Known, Refused};
use crate::Core;
use crate::mount::Mount;
use crate::rules::{Found, Loaded};
use crate::token::{self, LiveToken, Standing};
use crate::wire::RawHeaders;

/// A permitted request whose record the log holds. Only this makes it, and only it can be executed.
pub struct Recorded(Permitted);

impl Recorded {
    pub(super) fn into_permitted(self) -> Permitted {
        self.0
    }
}

/// Errors: `Internal` when the log did not take it; nothing was done then.
pub async fn request(core: &Core, permitted: Permitted) -> std::result::Result<Recorded, Refused> {
    let admitted = &permitted.routed.admitted;
    let line = Line {
        admitted,
        token: permitted.token.as_deref(),
        mount: permitted.routed.target.mount().map(|m| &**m),
        route: permitted.routed.target.index(),
        judgement: Some(&permitted.judgement),
    };
    match line.write(core, Kind::Request, admitted.received, None, None).await {
        Ok(()) => Ok(Recorded(permitted)),
        Err(e) => {
            tracing::error!(request_id = admitted.id, "request could not be audited: {e}");
            let error = Error::Internal("request could not be audited".into());
            Err(Refused { error, known: Box::new(permitted.into_known()) })
        }
    }
}

/// The one exit: runs for every answer and every refusal.
pub async fn response(
    core: &Core,
    (id, now): (&str, Timestamp),
    known: &Known,
    result: Result<&Bound, &Error>,
) -> Result<(), AuditError> {
    let Some(admitted) = &known.admitted else {
        return refusal(core, id, &RawHeaders::default(), "request was not admitted").await;
    };
    let line = Line {
        admitted,
        token: known.token.as_deref(),
        mount: known.mount.as_deref(),
        route: known.route,
        judgement: known.decision.as_ref(),
    };
    let error = result.err().and_then(|e| e.public_text().or_else(|| not_found_text(e)));
    let output = match result {
        Ok(bound) => Some(Answered { bound: Some(bound), output: &bound.output }),
        Err(Error::With(_, output)) => Some(Answered { bound: None, output }),
        Err(_) => None,
    };
    line.write(core, Kind::Response, now, output, error.as_deref()).await
}

fn not_found_text(error: &Error) -> Option<String> {
    matches!(error, Error::NotFound | Error::NotFoundBare).then(|| "not found".to_owned())
}

/// What stage 1 did not let in: too little is known for more than that it was there.
pub async fn not_admitted(core: &Core, id: &str, raw: &RawHeaders, reason: &NotAdmitted) -> Result<(), AuditError> {
    let text = match reason {
        NotAdmitted::Redirect(_) => "path is not clean".to_owned(),
        NotAdmitted::BadPath => "path is malformed".to_owned(),
        NotAdmitted::BadVerb => "unsupported verb".to_owned(),
        NotAdmitted::Origin => "origin not allowed".to_owned(),
        NotAdmitted::Preflight(_) => "preflight of a cross-origin request".to_owned(),
        NotAdmitted::Error(e) => e.public_text().unwrap_or_default(),
    };
    refusal(core, id, raw, &text).await
}

async fn refusal(core: &Core, id: &str, raw: &RawHeaders, text: &str) -> Result<(), AuditError> {
    core.audit.catch_up().await;
    let recording = {
        let rules = core.rules.known().await;
        let found = rules.audited.found(raw);
        let headers: Vec<_> = found.iter().map(Found::fact).collect();
        let request = RequestFacts { id, headers: &headers, ..RequestFacts::default() };
        let time = core.clock.now();
        core.audit.record(&Record {
            kind: Kind::Response,
            time,
            auth: None,
            request: &request,
            response: None,
            error: Some(text),
        })
    };
    recording.await
}

/// A handler's answer on its way out.
struct Answered<'a> {
    bound: Option<&'a Bound>,
    output: &'a strongroom_engine::Output,
}

/// What both records of a request have in common.
struct Line<'a> {
    admitted: &'a Admitted,
    token: Option<&'a LiveToken>,
    mount: Option<&'a Mount>,
    route: Option<usize>,
    judgement: Option<&'a Judgement>,
}

const NOTHING_CLEAR: &ClearPaths = &ClearPaths::none();

impl Line<'_> {
    /// Errors: no device took the record.
    async fn write(
        &self,
        core: &Core,
        kind: Kind,
        time: Timestamp,
        answered: Option<Answered<'_>>,
        error: Option<&str>,
    ) -> Result<(), AuditError> {
        core.audit.catch_up().await;
        let rules = core.rules.known().await;
        // Nothing that the record is made of is held while the devices are at work.
        let recording = self.begin(core, rules, kind, time, answered, error);
        recording.await
    }

    fn begin<'c>(
        &self,
        core: &'c Core,
        rules: Guard<Arc<Loaded>>,
        kind: Kind,
        time: Timestamp,
        answered: Option<Answered<'_>>,
        error: Option<&str>,
    ) -> impl Future<Output = Result<(), AuditError>> + Send + use<'c> {
        let text = self.admitted.headers.token.as_ref().map(|t| t.expose()).unwrap_or_default();
        let standing = self.token.map(LiveToken::last_standing);
        let auth = self.token.zip(standing.as_deref());
        let auth = auth.map(|(token, s)| AuthFacts { block: block(token, s, text), fragments: &s.fragments });
        let reason = self.judgement.map(Judgement::reason).unwrap_or_default();
        let policy = self.judgement.map(|j| PolicyFacts {
            is_allowed: j.is_allowed(),
            reason: &reason,
            namespace_id: "root",
            ..PolicyFacts::default()
        });
        let body = self.admitted.fields.audit_text();
        let clear = self.mount.zip(self.route).and_then(|(m, i)| m.clear.get(i));
        let config = self.mount.map(|m| &m.entry.config);
        let found = rules.audited.found(&self.admitted.headers.raw);
        let headers: Vec<_> = found.iter().map(Found::fact).collect();
        let request = RequestFacts {
            id: &self.admitted.id,
            operation: operation(self.judgement, self.admitted.verb),
            namespace: NamespaceFacts { id: "root", path: "" },
            mount: self.mount.map(|m| &m.fragment),
            path: self.admitted.path.as_str(),
            data: body.as_deref().map(|json| Data {
                json,
                clear: clear.map_or(NOTHING_CLEAR, |c| &c.request),
                clear_keys: config.map_or(&[], |c| &c.audit_non_hmac_request_keys),
            }),
            remote: self.admitted.peer.address,
            headers: &headers,
            wrap_ttl_s: Some(self.admitted.wrap_ttl.as_s()).filter(|s| *s > 0),
            policy: policy.as_ref(),
            kept: self.judgement.map(|judgement| &judgement.recorded),
            unknown_token: self.admitted.headers.token.as_ref().filter(|_| self.token.is_none()).map(|t| t.expose()),
            ..RequestFacts::default()
        };
        let issued = answered.as_ref().and_then(|a| a.bound?.auth.as_ref());
        let policies = issued.map(|a| token::union(&a.policies, &a.identity_policies)).unwrap_or_default();
        let issued = issued.map(|a| issued_block(a, &policies));
        let lease = answered.as_ref().and_then(|a| a.bound?.lease.as_ref());
        let wrap = answered.as_ref().and_then(|a| a.bound?.wrap.as_ref()).map(|w| wrap_facts(w));
        let shown = answered.as_ref().filter(|a| a.bound.is_none_or(|b| b.wrap.is_none()));
        let response = answered.as_ref().map(|a| ResponseFacts {
            mount: self.mount.map(|m| &m.fragment),
            data: shown.and_then(|a| data_text(&a.output.body)).map(|json| Data {
                json,
                clear: clear.map_or(NOTHING_CLEAR, |c| &c.response),
                clear_keys: config.map_or(&[], |c| &c.audit_non_hmac_response_keys),
            }),
            auth: issued.as_ref().filter(|_| wrap.is_none()),
            wrap: wrap.as_ref(),
            lease_id: lease.map(|l| l.id.as_str()).unwrap_or_default(),
            warnings: Names::Strings(&a.output.warnings),
            ..ResponseFacts::default()
        });
        core.audit.record(&Record { kind, time, auth: auth.as_ref(), request: &request, response: response.as_ref(), error })
    }
}

fn data_text(body: &Body) -> Option<&str> {
    match body {
        Body::Data(text) | Body::Whole(text) => std::str::from_utf8(text).ok(),
        Body::Streamed(streamed) => std::str::from_utf8(&streamed.facts).ok(),
        Body::Nothing | Body::Raw(..) => None,
    }
}

fn operation(judgement: Option<&Judgement>, verb: Option<Verb>) -> &'static str {
    match (judgement, verb) {
        (Some(j), _) => j.operation.as_str(),
        (None, Some(Verb::Write)) => Operation::Update.as_str(),
        (None, Some(Verb::Patch)) => Operation::Patch.as_str(),
        (None, Some(Verb::Delete)) => Operation::Delete.as_str(),
        (None, Some(Verb::List)) => Operation::List.as_str(),
        (None, Some(Verb::Scan)) => Operation::Scan.as_str(),
        (None, Some(Verb::Read) | None) => Operation::Read.as_str(),
    }
}

fn block<'a>(token: &'a LiveToken, standing: &'a Standing, text: &'a str) -> AuthBlock<'a> {
    let entry = &token.entry;
    AuthBlock {
        client_token: text,
        accessor: &entry.family,
        display_name: &entry.display_name,
        policies: Names::Strings(standing.policies(entry)),
        token_policies: Names::Strings(&entry.grant.policies),
        identity_policies: Names::Strings(standing.identity_policies()),
        entity_id: &entry.entity_id,
        metadata: (!entry.meta.is_empty()).then_some(&entry.meta),
        token_type: if token.caller.kind == TokenKind::Batch { "batch" } else { "service" },
        token_ttl_s: entry.life.creation_ttl.as_s(),
        issued: Some(entry.life.created),
    }
}

/// `policies` are the token's own and those of its entity.
fn issued_block<'a>(auth: &'a strongroom_engine::AuthView, policies: &'a [String]) -> AuthBlock<'a> {
    AuthBlock {
        client_token: auth.client_token.expose(),
        accessor: &auth.accessor,
        policies: Names::Strings(policies),
        token_policies: Names::Strings(&auth.policies),
        identity_policies: Names::Strings(&auth.identity_policies),
        entity_id: &auth.entity_id,
        metadata: (!auth.metadata.is_empty()).then_some(&auth.metadata),
        token_type: if auth.batch { "batch" } else { "service" },
        token_ttl_s: auth.lease_duration.as_s(),
        ..AuthBlock::default()
    }
}

fn wrap_facts(wrap: &crate::wrap::WrapView) -> WrapFacts<'_> {
    WrapFacts {
        ttl_s: wrap.ttl.as_s(),
        token: wrap.token.expose(),
        accessor: &wrap.accessor,
        created: wrap.created,
        creation_path: &wrap.creation_path,
        wrapped_accessor: &wrap.wrapped_accessor,
    }
}
