//! Bounds on a JSON body, checked before anything is built from it: a small text must not become a large structure
//! (CVE-2025-6203, CVE-2025-12044 of security.md A.4).

use crate::{Error, Result};

/// Limits of one body.
#[derive(Clone, Copy, Debug)]
pub struct JsonLimits {
    /// Nesting of objects and arrays.
    pub depth_max: u32,
    /// Values, keys included.
    pub items_max: u32,
}

impl Default for JsonLimits {
    fn default() -> Self {
        Self { depth_max: 64, items_max: 20_000 }
    }
}

/// One pass over the bytes, without judging the syntax: parsing does that later. Errors: `Invalid` naming the limit.
pub fn check_budget(text: &[u8], limits: JsonLimits) -> Result<()> {
    let (mut depth, mut items, mut in_string, mut escaped) = (0u32, 1u32, false, false);
    for byte in text {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' | b':' => items = items.saturating_add(1),
            _ => {}
        }
        if depth > limits.depth_max {
            return Err(Error::invalid(format!("JSON input is nested deeper than {} levels", limits.depth_max)));
        }
        if items > limits.items_max {
            return Err(Error::invalid(format!("JSON input holds more than {} keys and values", limits.items_max)));
        }
    }
    Ok(())
}
