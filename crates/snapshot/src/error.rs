//! Why a file is no snapshot that can be used. Texts name the part and never a value.

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file is not a snapshot")]
    NotASnapshot,
    /// Carries the format found.
    #[error("the snapshot has format {0}, which this version does not know: use a newer one")]
    Newer(u32),
    #[error("the snapshot ends before its end: it is truncated")]
    Truncated,
    /// Carries the rule that is broken.
    #[error("the snapshot is damaged: {0}")]
    Damaged(&'static str),
    #[error("{0}")]
    Io(std::io::Error),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Io(error),
        }
    }
}
