//! The grammar of HCL 1: items of keys and values, objects, lists. One token of look-ahead, bounded depth and count.

use crate::scan::{Scanner, Token};
use crate::{Body, DEPTH_MAX, Item, ParseError, Position, VALUES_MAX, Value};

pub(crate) fn read(text: &str) -> Result<Body, ParseError> {
    Reader { scan: Scanner::new(text), peeked: None, depth: 0, value_count: 0 }.body(Token::Eof)
}

struct Reader<'a> {
    scan: Scanner<'a>,
    peeked: Option<(Token, Position)>,
    depth: usize,
    value_count: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<(Token, Position), ParseError> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.scan.token(),
        }
    }

    /// Takes the next token if it is the wanted one.
    fn take_if(&mut self, wanted: &Token) -> Result<bool, ParseError> {
        let (token, position) = self.next()?;
        if token == *wanted {
            return Ok(true);
        }
        self.peeked = Some((token, position));
        Ok(false)
    }

    /// Items up to `end`, which is taken. A comma after an item is optional.
    fn body(&mut self, end: Token) -> Result<Body, ParseError> {
        let mut items = Vec::new();
        loop {
            if self.take_if(&end)? {
                return Ok(Body { items });
            }
            items.push(self.item()?);
            self.take_if(&Token::Comma)?;
        }
    }

    fn item(&mut self) -> Result<Item, ParseError> {
        let (mut keys, mut start) = (Vec::new(), None);
        loop {
            let (token, position) = self.next()?;
            match token {
                Token::Ident(key) | Token::Text(key) => keys.push(key),
                Token::Eof if keys.is_empty() => {
                    return Err(ParseError::new(position, "object expected closing RBRACE got: EOF"));
                }
                Token::Assign | Token::LBrace if !keys.is_empty() => {
                    let start = start.unwrap_or(position);
                    let value = self.item_value(token, position, keys.len())?;
                    return Ok(Item { keys, value, position: start });
                }
                token => return Err(key_error(&token, start.unwrap_or(position), position, !keys.is_empty())),
            }
            start = start.or(Some(position));
        }
    }

    /// What follows the keys, from `=` or `{` on.
    fn item_value(&mut self, token: Token, position: Position, key_count: usize) -> Result<Value, ParseError> {
        if token == Token::LBrace {
            return self.nested(position, |reader| Ok(Value::Object(reader.body(Token::RBrace)?)));
        }
        if key_count > 1 {
            return Err(ParseError::new(position, "nested object expected: LBRACE got: ASSIGN"));
        }
        let (token, position) = self.next()?;
        self.value(token, position)
    }

    fn value(&mut self, token: Token, position: Position) -> Result<Value, ParseError> {
        self.nested(position, |reader| match token {
            Token::Text(text) | Token::Heredoc(text) => Ok(Value::String(text)),
            Token::Number(text) => Ok(Value::Number(text)),
            Token::Bool(value) => Ok(Value::Bool(value)),
            Token::LBrace => Ok(Value::Object(reader.body(Token::RBrace)?)),
            Token::LBrack => Ok(Value::List(reader.list()?)),
            other => Err(ParseError::new(position, format!("expected a value got: {}", other.kind()))),
        })
    }

    /// Elements up to the closing bracket; a comma between them, and one may follow the last.
    fn list(&mut self) -> Result<Vec<Value>, ParseError> {
        let mut values = Vec::new();
        loop {
            let (token, position) = self.next()?;
            match token {
                Token::RBrack => return Ok(values),
                Token::Comma | Token::Eof | Token::Ident(_) => {
                    return Err(ParseError::new(position, format!("unexpected token while parsing list: {}", token.kind())));
                }
                token => values.push(self.value(token, position)?),
            }
            let (token, position) = self.next()?;
            match token {
                Token::Comma => {}
                Token::RBrack => return Ok(values),
                other => {
                    let message = format!("error parsing list, expected comma or list end, got: {}", other.kind());
                    return Err(ParseError::new(position, message));
                }
            }
        }
    }

    /// Counts one value and one level around `inner`. SECURITY: the recursion of this reader is bounded here.
    fn nested<T>(&mut self, at: Position, inner: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        self.value_count = self.value_count.saturating_add(1);
        if self.value_count > VALUES_MAX {
            return Err(ParseError::new(at, "text has more than 65536 values"));
        }
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH_MAX {
            return Err(ParseError::new(at, "nested deeper than 32 levels"));
        }
        let result = inner(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }
}

fn key_error(token: &Token, start: Position, position: Position, has_keys: bool) -> ParseError {
    if has_keys && matches!(token, Token::Eof | Token::RBrace) {
        return ParseError::new(start, "key expected start of object ('{') or assignment ('=')");
    }
    ParseError::new(position, format!("expected: IDENT | STRING | ASSIGN | LBRACE got: {}", token.kind()))
}
