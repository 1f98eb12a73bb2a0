//! Errors of annotation files: what is wrong, where, and what to do.

use std::fmt;

/// What is wrong with an annotation file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// Not TOML, or not of the annotation schema (`IT0301`).
    BadToml,
    /// A value that makes no sense (`IT0302`).
    BadValue,
}

impl ErrorCode {
    /// The code as users see it, such as `IT0301`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::BadToml => "IT0301",
            ErrorCode::BadValue => "IT0302",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A fault in an annotation file, with its place.
///
/// Displays as `CODE: file:line:column: message`, the source line and a marker below it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// Kind of fault.
    pub code: ErrorCode,
    /// File name as given to the parser.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Length of the marked text in characters, at least 1.
    pub width: u32,
    /// The source line.
    pub snippet: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Error {
    /// An error about the bytes `span` of `text`.
    pub(crate) fn at(
        code: ErrorCode,
        file: &str,
        text: &str,
        span: std::ops::Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        let snippet = text[line_start..].lines().next().unwrap_or("");
        let column = text[line_start..start].chars().count() + 1;
        let end = span
            .end
            .clamp(start, line_start + snippet.len().max(start - line_start));
        let width = text
            .get(start..end)
            .map_or(1, |marked| marked.chars().count().max(1));
        Error {
            code,
            file: file.to_owned(),
            line: count(line),
            column: count(column),
            width: count(width),
            snippet: snippet.to_owned(),
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error {
            code,
            file,
            line,
            column,
            ..
        } = self;
        let gutter = line.to_string().len();
        writeln!(f, "{code}: {file}:{line}:{column}: {}", self.message)?;
        writeln!(f, "{line} | {}", self.snippet)?;
        write!(
            f,
            "{:gutter$} | {:pad$}{}",
            "",
            "",
            "^".repeat(self.width as usize),
            pad = self.column as usize - 1
        )?;
        if !self.hint.is_empty() {
            write!(f, "\nhint: {}", self.hint)?;
        }
        Ok(())
    }
}

/// A count for people to read; files of more than four thousand million lines saturate it.
fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
