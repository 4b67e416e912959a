//! All keys of a key-value mount in order, folder by folder: only the folders on the way are in memory.

use strongroom_client::Error;

use super::end::End;

pub(super) struct Walk {
    source: End,
    /// Where lists are asked for, with trailing slash.
    root: String,
    /// Keys up to this one are left out.
    after: String,
    /// Folders on the way, each with what is left of its names, last first.
    stack: Vec<(String, Vec<String>)>,
}

/// The next key, or a folder that could not be listed.
pub(super) enum Found {
    Key(String),
    Unlisted(String, Error),
}

impl Walk {
    pub(super) async fn begin(source: End, root: String, after: Option<&str>) -> Result<Self, Error> {
        let mut walk = Self { source, root, after: after.unwrap_or_default().to_owned(), stack: Vec::new() };
        walk.enter(String::new()).await?;
        Ok(walk)
    }

    async fn enter(&mut self, folder: String) -> Result<(), Error> {
        let mut names = self.source.list(&format!("{}{folder}", self.root)).await?;
        names.reverse();
        self.stack.push((folder, names));
        Ok(())
    }

    /// Keys come in the order of their bytes.
    pub(super) async fn next(&mut self) -> Option<Found> {
        loop {
            let (folder, names) = self.stack.last_mut()?;
            let Some(name) = names.pop() else {
                self.stack.pop();
                continue;
            };
            let path = format!("{folder}{name}");
            if !name.ends_with('/') {
                if path > self.after {
                    return Some(Found::Key(path));
                }
            } else if (path > self.after || self.after.starts_with(&path))
                && let Err(error) = self.enter(path.clone()).await
            {
                return Some(Found::Unlisted(path, error));
            }
        }
    }
}
