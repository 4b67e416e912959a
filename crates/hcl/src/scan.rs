//! Splits HCL text into tokens. Knows characters and places, not grammar.

use crate::literal;
use crate::{ParseError, Position};

#[derive(Clone, PartialEq)]
pub(crate) enum Token {
    Ident(String),
    Text(String),
    Heredoc(String),
    Number(String),
    Bool(bool),
    Assign,
    LBrace,
    RBrace,
    LBrack,
    RBrack,
    Comma,
    Eof,
}

impl Token {
    /// The token's kind, for messages: never its content.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Ident(_) => "IDENT",
            Self::Text(_) => "STRING",
            Self::Heredoc(_) => "HEREDOC",
            Self::Number(_) => "NUMBER",
            Self::Bool(_) => "BOOL",
            Self::Assign => "ASSIGN",
            Self::LBrace => "LBRACE",
            Self::RBrace => "RBRACE",
            Self::LBrack => "LBRACK",
            Self::RBrack => "RBRACK",
            Self::Comma => "COMMA",
            Self::Eof => "EOF",
        }
    }
}

/// Characters with their place. The rest of the text is what has not been taken yet.
pub(crate) struct Scanner<'a> {
    rest: &'a str,
    position: Position,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text, position: Position::START }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(crate) fn position(&self) -> Position {
        self.position
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(crate) fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        if c == '\n' {
            self.position = Position { line: self.position.line.saturating_add(1), column: 1 };
        } else {
            self.position.column = self.position.column.saturating_add(1);
        }
        Some(c)
    }

    pub(crate) fn take_while(&mut self, mut want: impl FnMut(char) -> bool) -> &'a str {
        let before = self.rest;
        while self.peek().is_some_and(&mut want) {
            self.take();
        }
        before.get(..before.len().saturating_sub(self.rest.len())).unwrap_or_default()
    }

    /// The next token and where it starts. At the end of the text: `Eof`, one column further, as the wire contract has it.
    pub(crate) fn token(&mut self) -> Result<(Token, Position), ParseError> {
        self.skip_blank()?;
        let start = self.position;
        let Some(c) = self.peek() else {
            return Ok((Token::Eof, Position { line: start.line, column: start.column.saturating_add(1) }));
        };
        let token = match c {
            '"' => Token::Text(literal::string(self)?),
            '<' => Token::Heredoc(literal::heredoc(self)?),
            '-' | '0'..='9' => Token::Number(literal::number(self)?),
            c if c == '_' || c.is_alphabetic() => self.word(),
            _ => self.mark(start)?,
        };
        Ok((token, start))
    }

    fn word(&mut self) -> Token {
        match self.take_while(|c| c == '_' || c == '-' || c == '.' || c.is_alphanumeric()) {
            "true" => Token::Bool(true),
            "false" => Token::Bool(false),
            word => Token::Ident(word.to_owned()),
        }
    }

    fn mark(&mut self, start: Position) -> Result<Token, ParseError> {
        match self.take() {
            Some('=') => Ok(Token::Assign),
            Some('{') => Ok(Token::LBrace),
            Some('}') => Ok(Token::RBrace),
            Some('[') => Ok(Token::LBrack),
            Some(']') => Ok(Token::RBrack),
            Some(',') => Ok(Token::Comma),
            _ => Err(ParseError::new(start, "illegal char")),
        }
    }

    /// Skips white space and comments.
    fn skip_blank(&mut self) -> Result<(), ParseError> {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            match self.peek() {
                Some('#') => self.skip_line(),
                Some('/') if self.rest.starts_with("//") => self.skip_line(),
                Some('/') if self.rest.starts_with("/*") => self.skip_comment()?,
                Some('/') => return Err(ParseError::new(self.position, "expected '/' for comment")),
                _ => return Ok(()),
            }
        }
    }

    fn skip_line(&mut self) {
        self.take_while(|c| c != '\n');
    }

    fn skip_comment(&mut self) -> Result<(), ParseError> {
        let start = self.position;
        self.take();
        self.take();
        while !self.rest.starts_with("*/") {
            if self.take().is_none() {
                return Err(ParseError::new(start, "comment not terminated"));
            }
        }
        self.take();
        self.take();
        Ok(())
    }
}
