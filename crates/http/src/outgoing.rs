//! The body of an answer: bytes in memory, or a file that is read as the peer takes it.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use strongroom_core::wire::Content;

use crate::activity::Working;

/// Read at once from a file; a page-cache hit, so it is read in place.
const PIECE_BYTES: usize = 64 << 10;

pub(crate) enum Outgoing {
    Full(Full<Bytes>),
    File(Box<FileBody>),
}

pub(crate) struct FileBody {
    content: Content,
    /// While it goes out the connection is not idle.
    _working: Working,
}

impl Outgoing {
    pub(crate) fn file(content: Content, working: Working) -> Self {
        Self::File(Box::new(FileBody { content, _working: working }))
    }
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.size_hint().lower())
    }
}

impl FileBody {
    /// Errors: the file ends too early or can't be read; the connection is cut then, so that nobody takes it for whole.
    fn piece(&mut self) -> io::Result<Option<Bytes>> {
        let want = usize::try_from(self.content.bytes).unwrap_or(usize::MAX).min(PIECE_BYTES);
        if want == 0 {
            return Ok(None);
        }
        let mut piece = vec![0u8; want];
        self.content.reader.read_exact(&mut piece)?;
        self.content.bytes = self.content.bytes.saturating_sub(want as u64);
        Ok(Some(Bytes::from(piece)))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Full(full) => {
                Pin::new(full).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(|never: Infallible| match never {})))
            }
            Self::File(file) => Poll::Ready(file.piece().transpose().map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(full) => full.is_end_stream(),
            Self::File(file) => file.content.bytes == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(full) => full.size_hint(),
            Self::File(file) => SizeHint::with_exact(file.content.bytes),
        }
    }
}
