//! `itarget graph`: the flow graph and its cut as a page, for Graphviz, or as JSON.

use super::Outcome;
use crate::errors::Error;
use crate::select::{self, Choice};
use clap::Parser;
use itarget_analyzer::report::{page, picture};
use itarget_cli::program::Program;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Draws the flow graph of a program, collapsed by function and object, with the cut through it.
#[derive(Debug, Parser)]
#[command(name = "itarget graph", max_term_width = 100)]
#[command(group = clap::ArgGroup::new("output").required(true).multiple(true))]
pub struct Args {
    /// An executable, bitcode, objects or archives built by itarget-cc.
    #[arg(required = true, value_name = "APP|BITCODE")]
    inputs: Vec<PathBuf>,
    /// Write a page for a browser: one file that needs no network.
    #[arg(long, value_name = "FILE", group = "output")]
    html: Option<PathBuf>,
    /// Write the graph for Graphviz (`-`: to stdout).
    #[arg(long, value_name = "FILE", group = "output")]
    dot: Option<PathBuf>,
    /// Write the graph as JSON (`-`: to stdout).
    #[arg(long, value_name = "FILE", group = "output")]
    json: Option<PathBuf>,
    /// Leave the text of source lines out.
    #[arg(long)]
    no_source: bool,
    #[command(flatten)]
    choice: Choice,
}

/// Most source lines whose text is kept.
const LINES: usize = 50_000;

/// Runs the command on the arguments after its name.
///
/// # Errors
/// Those of `itarget analyze`.
pub fn run(args: Vec<OsString>) -> Outcome {
    let all = std::iter::once(OsString::from("itarget graph")).chain(args);
    let args = match Args::try_parse_from(all) {
        Ok(args) => args,
        Err(e) => {
            // Help goes to stdout, errors to stderr; that it could not be printed changes nothing.
            let _ = e.print();
            return Ok(e.exit_code());
        }
    };
    let mut selected = args.choice.select(&args.inputs)?;
    let mut sources = Sources::new(&args);
    let picture = selected.with_ways(|ways| picture::picture(ways, &mut |file, line| sources.line(file, line)));
    let title = args.inputs[0].file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    if let Some(path) = &args.html {
        write(path, &page::html(&picture, &title))?;
    }
    if let Some(path) = &args.dot {
        write(path, &page::dot(&picture, &title))?;
    }
    if let Some(path) = &args.json {
        write(path, &(serde_json::to_string(&picture).unwrap_or_default() + "\n"))?;
    }
    // The model of a large program takes a while to free; the process ends anyway.
    std::mem::forget(selected);
    Ok(0)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    if path.as_os_str() == "-" {
        return select::print(text);
    }
    std::fs::write(path, text).map_err(|e| Error::new("IT0609", format!("{}: {e}", path.display())))
}

/// Source files, as far as they can be read here.
struct Sources {
    /// Directories that relative names may be relative to.
    directories: Vec<PathBuf>,
    files: HashMap<String, Option<Vec<String>>>,
    left: usize,
}

impl Sources {
    fn new(args: &Args) -> Sources {
        let mut directories = vec![PathBuf::new()];
        if let Some(link) = Program::open(&args.inputs[0]).ok().and_then(|p| p.link().ok()) {
            directories.push(link.cwd.into());
        }
        directories.extend(args.inputs[0].parent().map(Path::to_path_buf));
        Sources { directories, files: HashMap::new(), left: if args.no_source { 0 } else { LINES } }
    }

    fn line(&mut self, file: &str, line: u32) -> Option<String> {
        self.left = self.left.checked_sub(1)?;
        let directories = &self.directories;
        let lines = self.files.entry(file.to_owned()).or_insert_with(|| {
            let bytes = directories.iter().find_map(|d| std::fs::read(d.join(file)).ok())?;
            Some(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
        });
        let text = lines.as_ref()?.get(line.checked_sub(1)? as usize)?.trim();
        Some(text.chars().take(160).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
        assert!(Args::try_parse_from(["x", "app"]).is_err());
        assert!(Args::try_parse_from(["x", "app", "--dot", "-", "--html", "page.html"]).is_ok());
    }
}
