//! What can go wrong on loading.

use std::fmt;

/// Kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadErrorCode {
    /// Neither bitcode nor a container of it.
    NotBitcode,
    /// Truncated or malformed bitcode or container, or modules that do not link.
    Malformed,
    /// Written by another version of LLVM.
    OtherVersion,
    /// An object file or executable without bitcode inside.
    NoBitcode,
    /// Not found or unreadable.
    Unreadable,
}

impl LoadErrorCode {
    /// The stable code, as in `docs/errors`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            LoadErrorCode::NotBitcode => "IT0101",
            LoadErrorCode::Malformed => "IT0102",
            LoadErrorCode::OtherVersion => "IT0103",
            LoadErrorCode::NoBitcode => "IT0104",
            LoadErrorCode::Unreadable => "IT0105",
        }
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            LoadErrorCode::NotBitcode => {
                "give LLVM bitcode, an object or archive made with -flto, or a program built with itarget-cc"
            }
            LoadErrorCode::Malformed => "build the file again; a full disk or an interrupted build may have cut it short",
            LoadErrorCode::OtherVersion => "build with clang 19, or use the itarget of that LLVM version",
            LoadErrorCode::NoBitcode => "build it with itarget-cc in place of cc (CC=itarget-cc), compiling and linking",
            LoadErrorCode::Unreadable => "check the path and its permissions",
        }
    }
}

/// An error on loading: code, file and LLVM's or the system's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    /// Kind.
    pub code: LoadErrorCode,
    /// Input file; for an archive member `archive(member)`.
    pub file: String,
    /// Details in words.
    pub detail: String,
}

impl LoadError {
    pub(super) fn new(code: LoadErrorCode, file: &str, detail: impl Into<String>) -> Self {
        LoadError { code, file: file.to_owned(), detail: detail.into() }
    }

    pub(super) fn unreadable(file: &str, error: &std::io::Error) -> Self {
        Self::new(LoadErrorCode::Unreadable, file, error.to_string())
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.code {
            LoadErrorCode::NotBitcode => "not LLVM bitcode",
            LoadErrorCode::Malformed => "truncated or malformed bitcode",
            LoadErrorCode::OtherVersion => "bitcode of another LLVM version",
            LoadErrorCode::NoBitcode => "no bitcode in this file",
            LoadErrorCode::Unreadable => "can't read",
        };
        write!(f, "{}: {}: {what}: {}; {}", self.code.code(), self.file, self.detail, self.code.hint())
    }
}

impl std::error::Error for LoadError {}
