//! Writes a tree in the usual layout: two spaces a level, one empty line around what takes several lines, equal signs of
//! neighbours below each other.

use super::nodes::{Element, Item, Node, Tree};

pub(super) fn write(nodes: &[Node<'_>]) -> String {
    let mut text = body(nodes, 0);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn body(nodes: &[Node<'_>], depth: usize) -> String {
    let mut text = String::new();
    for (index, node) in nodes.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| nodes.get(before));
        if needs_gap(before, node) {
            text.push('\n');
        }
        match node {
            Node::Gap => {}
            Node::Comment(comment) => text.push_str(&format!("{}{comment}\n", margin(depth))),
            Node::Item(one) => text.push_str(&item(one, key_width(nodes, index), depth)),
        }
    }
    text
}

/// An empty line where the author had one, and around items of several lines.
fn needs_gap(before: Option<&Node<'_>>, node: &Node<'_>) -> bool {
    match (before, node) {
        (None, _) | (_, Node::Gap) => false,
        (Some(Node::Gap), _) => true,
        (Some(Node::Comment(_)), _) => false,
        (Some(Node::Item(before)), Node::Item(item)) => is_long(&before.value) || is_long(&item.value),
        (Some(Node::Item(before)), Node::Comment(_)) => is_long(&before.value),
    }
}

fn is_long(value: &Tree<'_>) -> bool {
    match value {
        Tree::Word(word) => word.contains('\n'),
        Tree::List { elements, is_on_one_line } => !elements.is_empty() && !is_on_one_line || elements.iter().any(has_object),
        Tree::Object(nodes) => !nodes.is_empty(),
    }
}

fn has_object(element: &Element<'_>) -> bool {
    matches!(element, Element::Tree(tree) if is_long(tree))
}

fn item(item: &Item<'_>, width: usize, depth: usize) -> String {
    let keys = item.keys.join(" ");
    let equals = if item.is_assigned { " =" } else { "" };
    let pad = if item.is_assigned && !is_long(&item.value) { width } else { 0 };
    let comment = item.comment.map(|comment| format!(" {comment}")).unwrap_or_default();
    format!("{}{keys:pad$}{equals} {}{comment}\n", margin(depth), value(&item.value, depth))
}

/// The longest key among the neighbours on single lines.
fn key_width(nodes: &[Node<'_>], index: usize) -> usize {
    let is_short = |node: &&Node<'_>| matches!(node, Node::Item(item) if item.is_assigned && !is_long(&item.value));
    let (before, from) = nodes.split_at_checked(index).unwrap_or_default();
    let group = before.iter().rev().take_while(is_short).chain(from.iter().take_while(is_short));
    let width = |node: &Node<'_>| if let Node::Item(item) = node { item.keys.join(" ").chars().count() } else { 0 };
    group.map(width).max().unwrap_or(0)
}

fn value(tree: &Tree<'_>, depth: usize) -> String {
    match tree {
        Tree::Word(word) => (*word).to_owned(),
        Tree::Object(nodes) if nodes.is_empty() => "{}".to_owned(),
        Tree::Object(nodes) => format!("{{\n{}{}}}", body(nodes, depth.saturating_add(1)), margin(depth)),
        Tree::List { elements, .. } if is_long(tree) => {
            let inner = depth.saturating_add(1);
            let line = |element: &Element<'_>| match element {
                Element::Comment(comment) => format!("{}{comment}\n", margin(inner)),
                Element::Tree(tree) => format!("{}{},\n", margin(inner), value(tree, inner)),
            };
            format!("[\n{}{}]", elements.iter().map(line).collect::<String>(), margin(depth))
        }
        Tree::List { elements, .. } => {
            let inside = elements.iter().filter_map(|element| match element {
                Element::Tree(tree) => Some(value(tree, depth)),
                Element::Comment(_) => None,
            });
            format!("[{}]", inside.collect::<Vec<_>>().join(", "))
        }
    }
}

fn margin(depth: usize) -> String {
    "  ".repeat(depth)
}
