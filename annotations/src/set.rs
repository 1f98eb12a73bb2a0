//! A set of annotations, by name.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Serialize;

use crate::builtin::BUILTIN;
use crate::error::Error;
use crate::model::{Function, Memory, Variable};
use crate::parse;

/// Annotations of functions and variables, by symbol name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Annotations {
    functions: BTreeMap<String, Function>,
    variables: BTreeMap<String, Variable>,
    memory: BTreeMap<String, Memory>,
}

impl Annotations {
    /// The annotations that come with itarget, parsed at the first call.
    #[must_use]
    pub fn builtin() -> &'static Annotations {
        static SET: OnceLock<Annotations> = OnceLock::new();
        SET.get_or_init(|| {
            let mut set = Annotations::default();
            for &(name, text) in BUILTIN {
                match Annotations::parse(name, text) {
                    Ok(file) => set.merge(file),
                    // The test `every_builtin_file_parses` keeps this from being reached.
                    Err(error) => unreachable!("built-in annotations: {error}"),
                }
            }
            set
        })
    }

    /// Reads one annotation file; `file_name` is for messages.
    ///
    /// # Errors
    /// `IT0301` if it is not TOML of the annotation schema, `IT0302` if a value makes no sense.
    pub fn parse(file_name: &str, text: &str) -> Result<Annotations, Error> {
        let parse::File { functions, variables, memory } = parse::file(file_name, text)?;
        Ok(Annotations {
            functions: functions.into_iter().map(|f| (f.name.clone(), f)).collect(),
            variables: variables.into_iter().map(|v| (v.name.clone(), v)).collect(),
            memory: memory.into_iter().map(|m| (m.name.clone(), m)).collect(),
        })
    }

    /// Adds `later`; where both know a name, `later` wins.
    pub fn merge(&mut self, later: Annotations) {
        self.functions.extend(later.functions);
        self.variables.extend(later.variables);
        self.memory.extend(later.memory);
    }

    /// The annotation of a function.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }

    /// The annotation of a variable.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.get(name)
    }

    /// What is said of memory of the library.
    #[must_use]
    pub fn memory(&self, name: &str) -> Option<&Memory> {
        self.memory.get(name)
    }

    /// All functions, sorted by name.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values()
    }

    /// All variables, sorted by name.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.variables.values()
    }
}
