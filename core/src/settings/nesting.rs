//! Bounds how deep a TOML text nests, before it is parsed.
//!
//! The parser bounds inline tables and dotted keys each, but not their product: twelve kilobytes of
//! `{a.a.a…={a.a.a…=` make six thousand tables in each other, and dropping those by recursion
//! overflows a stack of four megabytes, which ends the process. So the parser's own lexer is asked
//! first; what it calls a bracket here is one for the parser, too.

use super::Fault;
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// Deepest nesting within one statement: arrays, inline tables and the dots of keys together. What
/// settings need is four; a policy's own settings get the rest.
pub const NESTING: u32 = 32;

/// Finds where `text` nests too deep or a bracket closes nothing: the byte offset, and what is wrong.
#[inline(never)]
pub(super) fn check(text: &str) -> Option<(usize, Fault)> {
    // For each open bracket, how many dots its present key or value had before it.
    let mut open: Vec<(TokenKind, u32)> = Vec::new();
    let mut dots: u32 = 0;
    let mut depth: u32 = 0;
    for token in Source::new(text).lex() {
        let at = token.span().start();
        match token.kind() {
            TokenKind::Dot => {
                dots += 1;
                depth += 1;
            }
            TokenKind::Comma => {
                depth -= dots;
                dots = 0;
            }
            TokenKind::Newline if open.is_empty() => {
                depth -= dots;
                dots = 0;
            }
            kind @ (TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket) => {
                open.push((kind, dots));
                dots = 0;
                depth += 1;
            }
            kind @ (TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket) => {
                let opening = match kind {
                    TokenKind::RightSquareBracket => TokenKind::LeftSquareBracket,
                    _ => TokenKind::LeftCurlyBracket,
                };
                match open.pop() {
                    Some((found, before)) if found == opening => {
                        depth -= dots + 1;
                        dots = before;
                    }
                    _ => {
                        let message = format!("{} closes nothing", kind.description());
                        return Some((at, Fault::Syntax(message)));
                    }
                }
            }
            _ => {}
        }
        if depth > NESTING {
            return Some((at, Fault::TooDeep { limit: NESTING }));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::flat("a = 1\n[b.c]\nd = [1, 2]\n", true)]
    #[case::many_lines(&"a.b.c = 1\n".repeat(100), true)]
    #[case::many_commas(&format!("a = [{}]", "1.5,".repeat(100)), true)]
    #[case::brackets_in_texts("a = \"{{{[[[\" # }}}\nb = '''\n}]\n'''", true)]
    #[case::arrays(&format!("a = {}{}", "[".repeat(33), "]".repeat(33)), false)]
    #[case::dots(&format!("a{} = 1", ".a".repeat(33)), false)]
    #[case::dots_over_lines(&format!("a = {{{}", "a.a.a = {\n".repeat(11)), false)]
    #[case::unmatched("a = }", false)]
    #[case::crossed("a = [{]}", false)]
    fn nesting_is_bounded_by_what_the_parser_would_build(#[case] text: &str, #[case] good: bool) {
        assert_eq!(check(text).is_none(), good);
    }

    #[test]
    fn a_table_of_dots_in_tables_of_dots_never_reaches_the_parser() {
        let level = format!("{{{}a=", "a.".repeat(78));
        let text = format!("x = {}1{}", level.repeat(78), "}".repeat(78));
        assert_eq!(check(&text), Some((4 + 32 * 2, Fault::TooDeep { limit: NESTING })));
    }
}
