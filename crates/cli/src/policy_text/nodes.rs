//! The pieces of a text as a tree that can be written again.

use super::lex::Token;

#[derive(Debug)]
pub(super) enum Node<'a> {
    Comment(&'a str),
    /// One or more empty lines.
    Gap,
    Item(Item<'a>),
}

#[derive(Debug)]
pub(super) struct Item<'a> {
    pub keys: Vec<&'a str>,
    pub is_assigned: bool,
    pub value: Tree<'a>,
    /// Behind it, on its last line.
    pub comment: Option<&'a str>,
}

#[derive(Debug)]
pub(super) enum Tree<'a> {
    Word(&'a str),
    List { elements: Vec<Element<'a>>, is_on_one_line: bool },
    Object(Vec<Node<'a>>),
}

/// One element of a list, or a comment in it.
#[derive(Debug)]
pub(super) enum Element<'a> {
    Comment(&'a str),
    Tree(Tree<'a>),
}

/// None: not a text that this reads.
pub(super) fn read<'a>(tokens: &[Token<'a>]) -> Option<Vec<Node<'a>>> {
    let mut reader = Reader { tokens, at: 0 };
    let nodes = reader.body()?;
    reader.peek().is_none().then_some(nodes)
}

struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
}

impl<'a> Reader<'_, 'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.peek();
        self.at = self.at.saturating_add(1);
        token
    }

    /// Up to the end or a closing brace, which stays.
    fn body(&mut self) -> Option<Vec<Node<'a>>> {
        let mut nodes = Vec::new();
        let mut line_ends = 0u32;
        loop {
            match self.peek() {
                None | Some(Token::Mark('}')) => return Some(nodes),
                Some(Token::LineEnd) => line_ends = line_ends.saturating_add(1),
                Some(Token::Mark(',')) => {}
                Some(other) => {
                    if line_ends > 1 && !nodes.is_empty() {
                        nodes.push(Node::Gap);
                    }
                    line_ends = 0;
                    match other {
                        Token::Comment(text) => nodes.push(Node::Comment(text)),
                        _ => {
                            nodes.push(Node::Item(self.item()?));
                            continue;
                        }
                    }
                }
            }
            self.next();
        }
    }

    fn item(&mut self) -> Option<Item<'a>> {
        let mut keys = Vec::new();
        while let Some(Token::Word(key)) = self.peek() {
            keys.push(key);
            self.next();
        }
        let is_assigned = matches!(self.peek(), Some(Token::Mark('=' | ':')));
        if is_assigned {
            self.next();
        }
        self.skip_line_ends();
        let value = self.tree()?;
        if self.peek() == Some(Token::Mark(',')) {
            self.next();
        }
        let comment = match self.peek() {
            Some(Token::Comment(text)) => {
                self.next();
                Some(text)
            }
            _ => None,
        };
        (!keys.is_empty()).then_some(Item { keys, is_assigned, value, comment })
    }

    fn skip_line_ends(&mut self) {
        while self.peek() == Some(Token::LineEnd) {
            self.next();
        }
    }

    fn tree(&mut self) -> Option<Tree<'a>> {
        match self.next()? {
            Token::Word(word) => Some(Tree::Word(word)),
            Token::Mark('{') => {
                let nodes = self.body()?;
                (self.next() == Some(Token::Mark('}'))).then_some(Tree::Object(nodes))
            }
            Token::Mark('[') => self.list(),
            _ => None,
        }
    }

    fn list(&mut self) -> Option<Tree<'a>> {
        let mut elements = Vec::new();
        let mut is_on_one_line = true;
        loop {
            match self.peek()? {
                Token::Mark(']') => {
                    self.next();
                    return Some(Tree::List { elements, is_on_one_line });
                }
                Token::LineEnd => is_on_one_line = false,
                Token::Mark(',') => {}
                Token::Comment(text) => {
                    is_on_one_line = false;
                    elements.push(Element::Comment(text));
                }
                _ => {
                    let tree = self.tree()?;
                    elements.push(Element::Tree(tree));
                    continue;
                }
            }
            self.next();
        }
    }
}
