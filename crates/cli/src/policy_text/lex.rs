//! Cuts HCL into pieces and keeps all of them, comments and line ends too. It is given text that the reader of HCL understood.

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) enum Token<'a> {
    /// With its marks.
    Comment(&'a str),
    /// A name, a number, or a string with its quotes.
    Word(&'a str),
    /// `{`, `}`, `[`, `]`, `=`, `,` or `:`.
    Mark(char),
    LineEnd,
}

pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (token, len) = match first {
            '\n' => (Some(Token::LineEnd), 1),
            '#' => comment(rest, line_len(rest)),
            '/' if rest.starts_with("/*") => comment(rest, rest.find("*/").map_or(rest.len(), |end| end.saturating_add(2))),
            '/' => comment(rest, line_len(rest)),
            '{' | '}' | '[' | ']' | '=' | ',' | ':' => (Some(Token::Mark(first)), 1),
            '"' => word(rest, string_len(rest)),
            '<' if rest.starts_with("<<") => word(rest, heredoc_len(rest)),
            _ if first.is_whitespace() => (None, first.len_utf8()),
            _ => word(rest, rest.find(|c: char| c.is_whitespace() || "{}[]=,:#\"".contains(c)).unwrap_or(rest.len())),
        };
        tokens.extend(token);
        rest = rest.get(len.max(1)..).unwrap_or_default();
    }
    tokens
}

fn comment(rest: &str, len: usize) -> (Option<Token<'_>>, usize) {
    (rest.get(..len).map(|text| Token::Comment(text.trim_end())), len)
}

fn word(rest: &str, len: usize) -> (Option<Token<'_>>, usize) {
    (rest.get(..len).map(Token::Word), len)
}

fn line_len(rest: &str) -> usize {
    rest.find('\n').unwrap_or(rest.len())
}

/// Up to the quote that is not escaped.
fn string_len(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            '"' if !is_escaped => return at.saturating_add(1),
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    rest.len()
}

/// Up to the line that holds the mark alone, without its line end.
fn heredoc_len(rest: &str) -> usize {
    let first = line_len(rest);
    let mark = rest.get(..first).unwrap_or_default().trim_start_matches('<').trim_start_matches('-').trim();
    let mut at = first;
    for line in rest.get(first..).unwrap_or_default().split_inclusive('\n') {
        if line.trim() == mark && at > first {
            return at.saturating_add(line.trim_end_matches('\n').len());
        }
        at = at.saturating_add(line.len());
    }
    rest.len()
}
