//! Policies as text: laid out anew, and looked over for mistakes, without a server. Must never change what a policy says: what
//! was laid out is read again and compared.

mod layout;
mod lex;
mod lint;
mod nodes;
#[cfg(test)]
mod tests;

use strongroom_hcl::{Body, Value};

pub(crate) use lint::lint;

/// The text in its usual layout, comments kept. Errors: what a reader of policies says about it.
pub(crate) fn format(text: &str) -> Result<String, String> {
    let before = strongroom_hcl::parse(text).map_err(|error| error.to_string())?;
    if text.trim_start().starts_with('{') {
        return Err("it is JSON; only HCL has a layout".to_owned());
    }
    let formatted = nodes::read(&lex::tokens(text)).map(|nodes| layout::write(&nodes));
    let formatted = formatted.ok_or("its layout is not understood")?;
    let is_same = strongroom_hcl::parse(&formatted).is_ok_and(|after| same(&before, &after));
    if is_same { Ok(formatted) } else { Err("its layout is not understood".to_owned()) }
}

/// The same items in the same order, wherever they stand.
fn same(one: &Body, other: &Body) -> bool {
    one.items.len() == other.items.len()
        && one.items.iter().zip(&other.items).all(|(a, b)| a.keys == b.keys && same_value(&a.value, &b.value))
}

fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => same(one, other),
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same_value(a, b))
        }
        (one, other) => one == other,
    }
}
