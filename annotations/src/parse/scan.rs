//! A cursor over the small expressions inside annotation values.

use crate::model::MAX_ARG;

/// Reads a string from left to right.
pub(super) struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scan { rest: text.trim() }
    }

    /// Takes `token` if it comes next; white space around it is skipped.
    pub(super) fn take(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    /// Takes a word of letters, digits, `_` and `-`; may be empty.
    pub(super) fn word(&mut self) -> &'a str {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    /// Takes a decimal number.
    pub(super) fn number(&mut self) -> Result<u64, String> {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let value = digits.parse().map_err(|_| match digits {
            "" => format!("expected a number, found {}", self.here()),
            _ => format!("{digits} is too large"),
        })?;
        self.rest = rest.trim_start();
        Ok(value)
    }

    /// Takes the number of an argument.
    pub(super) fn index(&mut self) -> Result<u8, String> {
        arg_index(self.number()?)
    }

    /// Whether a digit comes next.
    pub(super) fn at_digit(&self) -> bool {
        self.rest.starts_with(|c: char| c.is_ascii_digit())
    }

    /// Fails unless everything has been read.
    pub(super) fn end(&self) -> Result<(), String> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(format!("unexpected {}", self.here()))
        }
    }

    /// What comes next, for messages.
    pub(super) fn here(&self) -> String {
        if self.rest.is_empty() {
            "the end".to_owned()
        } else {
            format!("`{}`", self.rest)
        }
    }
}

/// Checks the number of an argument.
pub(super) fn arg_index(value: u64) -> Result<u8, String> {
    u8::try_from(value)
        .ok()
        .filter(|&index| index <= MAX_ARG)
        .ok_or_else(|| format!("argument {value} is beyond the highest, {MAX_ARG}"))
}
