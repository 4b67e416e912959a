//! Answers and bodies that are larger than memory should hold, such as snapshots. Each may take as long as it needs; the
//! configured time bounds the wait for its first byte and between bytes.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;

use crate::error::Error;
use crate::{Client, Method, Response, path};

const OCTETS: &str = "application/octet-stream";
/// Longest transfer.
const TRANSFER_MAX: Duration = Duration::from_secs(24 * 3600);

/// An answer that is read piece by piece.
pub struct Download {
    answer: reqwest::Response,
    url: String,
    patience: Duration,
}

impl Client {
    /// Begins a read. Errors: refusals too.
    pub async fn download(&self, api_path: &str) -> Result<Download, Error> {
        let url = path::url(&self.base, api_path, &[])?;
        let shown = path::without_query(&url);
        let request = self.http.get(url).headers(self.headers()?).timeout(TRANSFER_MAX);
        let answer = request.send().await.map_err(|source| transport(Method::Get, &shown, source))?;
        if answer.status() != 200 {
            self.read_answer(Method::Get, shown.clone(), answer).await?.checked()?;
            return Err(Error::Unexpected { method: Method::Get.as_str(), url: shown, line: 0, column: 0 });
        }
        Ok(Download { answer, url: shown, patience: self.patience })
    }

    /// Sends a file from where it stands to its end.
    pub async fn upload(&self, api_path: &str, file: std::fs::File) -> Result<Response, Error> {
        let url = path::url(&self.base, api_path, &[])?;
        let shown = path::without_query(&url);
        let request = self.http.post(url).headers(self.headers()?).timeout(TRANSFER_MAX).header(CONTENT_TYPE, OCTETS);
        let sent = request.body(tokio::fs::File::from_std(file)).send().await;
        let answer = sent.map_err(|source| transport(Method::Post, &shown, source))?;
        self.read_answer(Method::Post, shown, answer).await?.checked()
    }
}

impl Download {
    /// The next piece; None at the end. Errors: `Transport`, also when nothing comes for too long.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        match tokio::time::timeout(self.patience, self.answer.chunk()).await {
            Ok(piece) => piece.map_err(|source| transport(Method::Get, &self.url, source)),
            Err(_) => Err(Error::Stalled { url: self.url.clone() }),
        }
    }
}

fn transport(method: Method, url: &str, source: reqwest::Error) -> Error {
    Error::Transport { method: method.as_str(), url: url.to_owned(), source: source.without_url() }
}
