//! One of the two servers. What can pass by itself (no connection, overload) is tried again for a while.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use strongroom_client::{Client, Error, Method, Request, Response};

const TRIES_MAX: u32 = 7;
const PAUSE_FIRST: Duration = Duration::from_millis(200);

#[derive(Clone)]
pub(super) struct End {
    client: Client,
    role: &'static str,
}

impl End {
    pub(super) fn new(client: Client, role: &'static str) -> Self {
        Self { client, role }
    }

    /// `source` or `target`.
    pub(super) fn role(&self) -> &'static str {
        self.role
    }

    /// Where it is. No token.
    pub(super) fn name(&self) -> String {
        self.client.address()
    }

    /// The data at a path. None: nothing there.
    pub(super) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Error> {
        match self.fetch(path, &[]).await? {
            Some(answer) => answer.data().map(Some),
            None => Ok(None),
        }
    }

    /// The answer itself, for values that must not be taken apart. None: nothing there.
    pub(super) async fn fetch(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<Response>, Error> {
        let answer = self.send::<()>(Method::Get, path, query, None).await?;
        if answer.status() == 404 { Ok(None) } else { answer.checked().map(Some) }
    }

    /// Names below a folder, sorted; none when there is no such folder.
    pub(super) async fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        let answer = self.send::<()>(Method::List, path, &[], None).await?;
        if answer.status() == 404 {
            return Ok(Vec::new());
        }
        let data: Value = answer.checked()?.data()?;
        let keys = data.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut names: Vec<String> = keys.iter().filter_map(|key| key.as_str().map(str::to_owned)).collect();
        names.sort_unstable();
        Ok(names)
    }

    pub(super) async fn write<B: Serialize + ?Sized>(&self, path: &str, body: &B) -> Result<Response, Error> {
        self.send(Method::Post, path, &[], Some(body)).await?.checked()
    }

    async fn send<B: Serialize + ?Sized>(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&B>,
    ) -> Result<Response, Error> {
        let mut pause = PAUSE_FIRST;
        for _ in 1..TRIES_MAX {
            match self.client.exchange(Request { method, path, query, body }).await {
                Err(Error::Transport { .. }) => {}
                Ok(answer) if matches!(answer.status(), 429 | 502 | 503 | 504) => {}
                other => return other,
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
        self.client.exchange(Request { method, path, query, body }).await
    }
}

/// Why something did not work, in one line. Answers of servers hold no secret, and addresses no token.
pub(super) fn reason(error: &Error) -> String {
    match error {
        Error::Api(api) => {
            format!("{} {}: {}", api.status, api.method, api.errors.join("; ").split_whitespace().collect::<Vec<_>>().join(" "))
        }
        other => {
            use std::error::Error as _;
            let cause = other.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("{other}{cause}")
        }
    }
}
