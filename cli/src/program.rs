//! What an instrumented executable says about itself: sections `.itarget.id`, `.itarget.plan`,
//! `.itarget.bc`, `.itarget.link`.

use crate::errors::Error;
use itarget_plan::{Plan, Site};
use object::{Object, ObjectSection};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// An instrumented executable.
pub struct Program {
    /// Its path.
    pub path: PathBuf,
    bytes: Vec<u8>,
    /// SHA-256 of the plan's text.
    pub plan_hash: [u8; 32],
    /// Fingerprint of the module, hex.
    pub module: String,
    text: String,
}

/// Which program an executable is: all that a recording needs to know.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its path.
    pub path: PathBuf,
    /// Fingerprint of the module, hex.
    pub module: String,
    /// SHA-256 of the plan's text, hex.
    pub plan: String,
}

impl Identity {
    /// Reads the identity without the rest of the file.
    ///
    /// # Errors
    /// As [`Program::open`].
    pub fn read(path: &Path) -> Result<Identity, Error> {
        let short = || -> Option<Identity> {
            let file = std::fs::File::open(path).ok()?;
            let size = file.metadata().ok()?.len();
            let cache = object::read::ReadCache::new(file);
            let file = object::File::parse(&cache).ok()?;
            // A replay needs the plan.
            let (at, len) = file.section_by_name(".itarget.plan")?.file_range()?;
            if at.checked_add(len)? > size {
                return None;
            }
            let section = file.section_by_name(".itarget.id")?;
            let (module, plan) = section.data().ok()?.split_at_checked(32)?;
            Some(Identity { path: path.to_path_buf(), module: hex(module), plan: hex(plan) })
        };
        match short() {
            Some(identity) => Ok(identity),
            None => {
                let program = Program::open(path)?;
                Ok(Identity { path: program.path, module: program.module, plan: hex(&program.plan_hash) })
            }
        }
    }
}

/// The link line kept in an executable.
#[derive(Debug, Clone, Deserialize)]
pub struct SavedLink {
    /// Directory of the link.
    pub cwd: String,
    /// The user's arguments of the link.
    pub argv: Vec<String>,
    /// `c` or `c++`.
    #[serde(default)]
    pub language: String,
    /// Directory of objects that are gone.
    #[serde(default)]
    pub temporary: String,
    /// What the interface was computed with.
    #[serde(default)]
    pub settings: SavedSettings,
}

/// Files that the interface of an executable was computed with, as absolute paths.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SavedSettings {
    /// Annotations besides those built in.
    #[serde(default)]
    pub annotations: Vec<String>,
    /// Profile.
    #[serde(default)]
    pub profile: Option<String>,
    /// How it had to fit ([`crate::weighing::Match`]).
    #[serde(default)]
    pub profile_match: String,
}

impl Program {
    /// Opens an executable.
    ///
    /// # Errors
    /// IT0501: not an executable made by itarget-cc; IT0401, IT0402: a plan of another version.
    pub fn open(path: &Path) -> Result<Program, Error> {
        let not = |why: &dyn std::fmt::Display| {
            Error::new("IT0501", format!("{} was not built with itarget-cc ({why})", path.display()))
                .hint("build it with CC=itarget-cc")
        };
        let bytes = std::fs::read(path).map_err(|e| not(&e))?;
        let plan = section(&bytes, ".itarget.plan").map_err(|e| not(&e))?.ok_or_else(|| not(&"no section .itarget.plan"))?;
        let text = String::from_utf8(unpack(plan).map_err(|e| not(&e))?).map_err(|e| not(&e))?;
        let plan_hash = Sha256::digest(text.as_bytes()).into();
        #[derive(Deserialize)]
        struct Head {
            module: String,
        }
        let head: Head = serde_json::from_str(&text).map_err(|e| Error::new("IT0401", format!("not a plan: {e}")))?;
        Ok(Program { path: path.to_path_buf(), bytes, plan_hash, module: head.module, text })
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The plan.
    ///
    /// # Errors
    /// IT0402: other version.
    pub fn plan(&self) -> Result<Plan, Error> {
        Plan::parse(&self.text).map_err(|e| {
            Error::new("IT0402", format!("the plan of {} can't be read: {e}", self.path.display()))
                .hint("use the itarget that built it, or build it again")
        })
    }

    /// The merged bitcode.
    ///
    /// # Errors
    /// IT0503: it is not in the executable (stripped).
    pub fn bitcode(&self) -> Result<Vec<u8>, Error> {
        let packed = section(&self.bytes, ".itarget.bc").ok().flatten().ok_or_else(|| self.stripped("bitcode"))?;
        unpack(packed).map_err(|e| Error::new("IT0503", format!("the bitcode in {} is damaged: {e}", self.path.display())))
    }

    /// The link line.
    ///
    /// # Errors
    /// IT0503.
    pub fn link(&self) -> Result<SavedLink, Error> {
        let text = section(&self.bytes, ".itarget.link").ok().flatten().ok_or_else(|| self.stripped("link line"))?;
        serde_json::from_slice(text)
            .map_err(|e| Error::new("IT0503", format!("the link line in {} is damaged: {e}", self.path.display())))
    }

    fn stripped(&self, what: &str) -> Error {
        Error::new("IT0503", format!("{} does not carry its {what}", self.path.display()))
            .hint("it was stripped; link it again with itarget-cc")
    }
}

/// SHA-256 as hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn section<'a>(bytes: &'a [u8], name: &str) -> Result<Option<&'a [u8]>, object::Error> {
    let file = object::File::parse(bytes)?;
    match file.section_by_name(name) {
        Some(s) => s.data().map(Some),
        None => Ok(None),
    }
}

/// Bytes that begin with a zstd frame are unpacked, others are taken as they are.
fn unpack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) { zstd::decode_all(bytes) } else { Ok(bytes.to_vec()) }
}

/// Why recording ended at that site, of the runtime or of the program `exe`.
#[must_use]
pub fn why_refused(site: i32, exe: Option<&Path>) -> String {
    if let Some(why) = itarget_abi::site::why_refused(site) {
        return why.into();
    }
    let plan = exe.and_then(|exe| Program::open(exe).ok()?.plan().ok());
    let site_of_program = plan.as_ref().and_then(|plan| plan.sites.get(usize::try_from(site).ok()?));
    site_of_program.map_or(format!("site {}", site.cast_unsigned()), |s| match &s.action {
        itarget_plan::Action::Refuse { reason, .. } => format!("{reason}, {}", describe(s)),
        itarget_plan::Action::Callee { .. } => format!("{}, {}", itarget_plan::FOREIGN_CALLEE, describe(s)),
        _ => describe(s),
    })
}

/// A site as text: `load in parse (file.c:12)`.
#[must_use]
pub fn describe(site: &Site) -> String {
    use itarget_plan::Action;
    let what = match &site.action {
        Action::Call(c) => format!("call of {}", c.callee),
        Action::Load { .. } => "load".into(),
        Action::Store { .. } => "store".into(),
        Action::Order { .. } => "ordered access".into(),
        Action::Alloc { runtime, .. } | Action::Replace { runtime } => {
            format!("call of {}", runtime.trim_start_matches("__itarget_"))
        }
        Action::Redirect { to } => format!("call of {to}"),
        Action::Refuse { .. } => "refused call".into(),
        Action::Apply { .. } => "write of an environment function".into(),
        Action::Downcall { to } => format!("downcall of {}", to.join(" or ")),
        Action::Upcall { to } => format!("upcall of {}", to.join(" or ")),
        Action::Guard { .. } => "guarded access".into(),
        Action::Stage { .. } => "arguments copied".into(),
        Action::Atomic { .. } => "atomic operation".into(),
        Action::Callee { .. } => "call through a pointer".into(),
        Action::Poll => "poll".into(),
        Action::Count { .. } => "counted access".into(),
    };
    let place = site.at.as_ref().map(|l| format!(" ({}:{})", l.file, l.line)).unwrap_or_default();
    format!("{what} in {}{place}", site.function)
}
