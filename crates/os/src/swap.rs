//! Tells whether this machine may write memory to a swap device. Must never claim that there is none when it cannot know.

/// A warning text when swap is on, or when that cannot be found out; None when there is no swap.
/// Source: proc(5), `/proc/swaps`: a heading, then one line for each area.
pub fn swap_warning() -> Option<String> {
    match std::fs::read_to_string("/proc/swaps") {
        Ok(table) => warning_for(&table),
        Err(error) => Some(format!("cannot tell whether swap is on: reading /proc/swaps: {error}")),
    }
}

/// The same for the text of `/proc/swaps`. Compressed RAM counts as swap: a device of that kind can have a disk behind it.
pub(crate) fn warning_for(table: &str) -> Option<String> {
    let areas: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    if areas.is_empty() {
        return None;
    }
    Some(format!(
        "swap is on ({}): secrets in memory can reach a disk; turn swap off, or raise the memlock limit to unlimited",
        areas.join(", ")
    ))
}
