//! Lists as parameters give them.

use strongroom_engine::List;

/// The entries of a list that say something.
pub fn given(list: &mut List) -> Vec<String> {
    std::mem::take(&mut list.0).into_iter().map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect()
}
