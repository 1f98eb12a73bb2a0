//! `itarget relink`: links an executable again from the bitcode it carries, with another cut.

use super::Outcome;
use crate::cc::action::{Files, Link, link_flags};
use crate::cc::args::{Language, What, parse};
use crate::cc::run::{Directory, Order, own_exe};
use crate::cc::settings::Settings;
use crate::cc::tools;
use crate::config::Config;
use crate::errors::Error;
use crate::measure;
use crate::program::{Program, SavedLink};
use crate::targeting::Targeting;
use crate::weighing::Weighing;
use object::{Object, ObjectSection};
use std::path::{Path, PathBuf};

/// Link an executable again from the bitcode it carries.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Executable built with itarget-cc.
    app: PathBuf,
    /// Where to put the result (default: in the place of APP).
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    weighing: Weighing,
    /// Cut: min, functions or libc.
    #[arg(long, value_parser = ["min", "functions", "libc"])]
    cut: Option<String>,
    #[command(flatten)]
    targeting: Targeting,
    /// Annotation files to add.
    #[arg(long, value_name = "FILE")]
    annotations: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// IT0501, IT0503, IT02xx.
pub fn run(args: Args) -> Outcome {
    let program = Program::open(&args.app)?;
    let config = Config::here()?;
    let settings = Settings {
        annotations: measure::annotations(&program, &config, &args.annotations)?,
        targets: args.targeting.of(&config, Some(&program)),
        cut: args.cut.or(config.cut),
        profile: args.weighing.absolute(),
        profile_match: args.weighing.matching(),
        ..Settings::default()
    };
    let output = args.output.unwrap_or(args.app);
    let output = std::path::absolute(&output).unwrap_or(output);
    let status = relink(&program, &settings, &output)?;
    if status == 0 && settings.profile.is_some() {
        measure::say_profile(&output)?;
    }
    Ok(status)
}

/// Links `program` again to `output`, which is replaced at once; without anything of ours in it
/// where the settings say so. Returns clang's status.
///
/// # Errors
/// IT0503, IT0506, IT02xx.
pub fn relink(program: &Program, settings: &Settings, output: &Path) -> Outcome {
    let exe = own_exe()?;
    let saved = program.link()?;
    let bitcode = program.bitcode()?;
    let output = std::path::absolute(output).unwrap_or(output.to_path_buf());
    let dir = Directory::temporary()?;
    let tmp = dir.0.display().to_string();
    let files = Files { plugin: tools::ours(&exe, tools::PLUGIN)?, runtime: tools::ours(&exe, tools::RUNTIME)?, tmp: tmp.clone() };
    tools::check_lld()?;
    let merged = format!("{tmp}/program.bc");
    std::fs::write(&merged, bitcode).map_err(|e| Error::new("IT0206", format!("{merged}: {e}")))?;
    let result = output.with_file_name(format!(
        ".{}-{}",
        output.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    // Straight to the linker: the driver would compile it to a native object first.
    let input = format!("-Wl,{merged}");
    let (user, has_level) = user_line(&saved, &input, &result.display().to_string())?;
    let mut all = user.clone();
    let ours = [format!("-Wl,--load-pass-plugin={}", files.plugin), files.runtime.clone()];
    all.extend(link_flags(!has_level, &files).into_iter().filter(|f| !settings.off || !ours.contains(f)));
    let opt_level = level(&user);
    // The line kept for the next relink is the original one: only the inputs that are bitcode
    // were replaced.
    let link = Link { compiles: vec![], args: all, user: saved.argv.clone(), opt_level, temporary: saved.temporary.clone() };
    let language = if saved.language == "c++" { Language::Cxx } else { Language::C };
    std::env::set_current_dir(&saved.cwd)
        .map_err(|e| Error::new("IT0506", format!("the directory of the link, {}: {e}", saved.cwd)).hint("build the program again"))?;
    let order = Order { itarget: tools::ours(&exe, "itarget")?, language, settings, tmp: &tmp };
    let status = order.run(&link)?;
    if status != 0 {
        let _ = std::fs::remove_file(&result); // it may not exist
        return Ok(status);
    }
    std::fs::rename(&result, &output).map_err(|e| Error::new("IT0506", format!("{}: {e}", output.display())))?;
    Ok(0)
}

fn level(args: &[String]) -> String {
    args.iter().rfind(|a| a.starts_with("-O")).map_or("2".into(), |a| match a.as_str() {
        "-O" | "-Og" => "1".into(),
        "-Ofast" => "3".into(),
        a => a[2..].to_string(),
    })
}

/// The saved line with the merged bitcode for all inputs that are bitcode, and another output.
fn user_line(saved: &SavedLink, merged: &str, output: &str) -> Result<(Vec<String>, bool), Error> {
    let mut line = vec![];
    let mut placed = false;
    let mut has_level = false;
    for item in parse(&saved.argv) {
        match item.what {
            What::Output => {}
            What::Source | What::Linkable => {
                let path = Path::new(&saved.cwd).join(item.value());
                let gone = !saved.temporary.is_empty() && path.starts_with(&saved.temporary);
                if gone || item.what == What::Source || carries_bitcode(&path) {
                    if !placed {
                        line.push(merged.to_string());
                        placed = true;
                    }
                } else {
                    line.extend(item.args);
                }
            }
            other => {
                has_level |= other == What::Optimise;
                line.extend(item.args.into_iter().filter_map(|arg| without_bitcode(arg, &saved.cwd)));
            }
        }
    }
    if !placed {
        line.insert(0, merged.to_string());
    }
    line.extend(["-o".to_string(), output.to_string()]);
    Ok((line, has_level))
}

/// An argument for the linker (`-Wl,...`) without the inputs in it that are bitcode; nothing if it has nothing else.
fn without_bitcode(arg: String, cwd: &str) -> Option<String> {
    let Some(given) = arg.strip_prefix("-Wl,") else { return Some(arg) };
    let left: Vec<&str> = given.split(',').filter(|part| !carries_bitcode(&Path::new(cwd).join(part))).collect();
    (!left.is_empty()).then(|| format!("-Wl,{}", left.join(",")))
}

/// True for bitcode, an object with bitcode in it, and an archive of nothing else.
fn carries_bitcode(path: &Path) -> bool {
    let Ok(bytes) = std::fs::read(path) else { return false };
    if !bytes.starts_with(b"!<arch>\n") {
        return is_bitcode(&bytes);
    }
    let Ok(archive) = object::read::archive::ArchiveFile::parse(&*bytes) else { return false };
    let mut any = false;
    for member in archive.members() {
        let Ok(data) = member.and_then(|m| m.data(&*bytes)) else { return false };
        if !is_bitcode(data) {
            return false;
        }
        any = true;
    }
    any
}

fn is_bitcode(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"BC\xc0\xde") {
        return true;
    }
    object::File::parse(bytes).is_ok_and(|f| f.sections().any(|s| s.name() == Ok(".llvm.lto")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_with_bitcode_are_replaced_once() {
        let dir = tempfile::tempdir().expect("directory");
        std::fs::write(dir.path().join("a.o"), b"BC\xc0\xdeabc").expect("write");
        std::fs::write(dir.path().join("given.bc"), b"BC\xc0\xdeabc").expect("write");
        std::fs::write(dir.path().join("native.o"), b"\x7fELF").expect("write");
        let saved = SavedLink {
            cwd: dir.path().display().to_string(),
            argv: "-O2 -Wl,given.bc native.o a.o /t/0-x.o -Wl,-z,now,given.bc -lm -L. -o old".split(' ').map(String::from).collect(),
            language: "c".into(),
            temporary: "/t".into(),
            settings: crate::program::SavedSettings::default(),
        };
        let (line, has_level) = user_line(&saved, "M.bc", "new").expect("line");
        assert_eq!(line.join(" "), "-O2 native.o M.bc -Wl,-z,now -lm -L. -o new");
        assert!(has_level);
        assert_eq!(level(&line), "2");
    }
}
