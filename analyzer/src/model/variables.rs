//! What debug information says of variables. Loaded on request only (see [`crate::bitcode`]); no analysis looks at it.

use super::{FunctionId, GlobalId};
use std::collections::BTreeMap;

/// The variables of a program, by where they are.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// Globals, and static variables of functions.
    pub globals: BTreeMap<GlobalId, Variable>,
    /// Stack slots: function, and index of the `alloca`.
    pub locals: BTreeMap<(FunctionId, u32), Variable>,
    /// Parameters passed by value in memory: function, and parameter.
    pub parameters: BTreeMap<(FunctionId, u32), Variable>,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name in the source.
    pub name: String,
    /// Its type, as C writes it.
    pub ty: String,
    /// Members, if it is a structure: the innermost, ascending by offset.
    pub members: Vec<Member>,
}

/// A member of a structure, or of one inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Byte offset in the variable.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
    /// What is written behind the variable's name: `.header.length`, `[].next`.
    pub path: String,
}

impl Variable {
    /// The name with the member that these bytes are; `None` if they are none, or several.
    #[must_use]
    pub fn member(&self, offset: u64, size: Option<u64>) -> Option<String> {
        let end = size.map_or(u64::MAX, |s| offset.saturating_add(s));
        let mut inside = self.members.iter().filter(|m| m.offset < end && offset < m.offset.saturating_add(m.size.max(1)));
        match (inside.next(), inside.next()) {
            (Some(only), None) => Some(format!("{}{}", self.name, only.path)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_their_bytes() {
        let member = |offset, path: &str| Member { offset, size: 4, path: path.to_owned() };
        let v = Variable { name: "s".into(), ty: "struct x".into(), members: vec![member(0, ".a"), member(8, ".b.c")] };
        assert_eq!(v.member(0, Some(8)).as_deref(), Some("s.a"));
        assert_eq!(v.member(8, None).as_deref(), Some("s.b.c"));
        assert_eq!((v.member(0, None), v.member(4, Some(4))), (None, None));
    }
}
