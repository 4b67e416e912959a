//! The one reader of HCL 1 (and its JSON form) for policies and server configuration. It turns text into a tree and
//! knows nothing of what the keys mean. It must never give one text two meanings, never run or expand anything found in
//! a string (`${` is text), and never put a value into an error. Source: docs/decisions/0002-one-hcl-reader.md.

mod error;
mod json;
mod literal;
mod read;
mod scan;
mod tree;

#[cfg(test)]
mod tests;

pub use error::{ParseError, Position};
pub use tree::{Block, Body, Item, Value};

/// Longest text that is read, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;
/// Deepest nesting of objects and lists.
pub const DEPTH_MAX: usize = 32;
/// Most values (attributes, blocks and list elements together) in one text: bounds memory, which is many times the text.
pub const VALUES_MAX: usize = 65_536;

/// Reads a text. When its first character that is not white space is `{`, it is JSON, else HCL 1.
/// Items keep their order; a key given twice stays twice.
/// Errors: the first mistake, with its place; limits are `TEXT_BYTES_MAX`, `DEPTH_MAX` and `VALUES_MAX`.
pub fn parse(text: &str) -> Result<Body, ParseError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(ParseError::new(Position::START, "text is longer than 1048576 bytes"));
    }
    if text.trim_start().starts_with('{') { json::read(text) } else { read::read(text) }
}
