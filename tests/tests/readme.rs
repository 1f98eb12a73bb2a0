//! What the README tells a user to type works, and prints what it says.
//!
//! Blocks ```sh are run, blocks ```console (commands after `$ `) are run and their output is
//! compared. All blocks share one shell, in a scratch directory where `target/release` holds the
//! tools and `app.c` is the program of tests/readme.

use itarget_tests::{Scratch, root, run, tools};

/// A block to run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    /// Line in the page, from 1.
    line: usize,
    /// Commands, each with the output that it must have, if the page shows one.
    commands: Vec<(String, Option<Vec<String>>)>,
}

/// The blocks of a page that are to be run, and how many are marked as not to be.
fn blocks(page: &str) -> (Vec<Block>, usize) {
    let (mut found, mut skipped) = (vec![], 0);
    let mut lines = page.lines().enumerate();
    let mut marked = false;
    while let Some((at, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            if !line.is_empty() {
                marked = line.starts_with("<!-- not run by tests");
            }
            continue;
        };
        let body: Vec<&str> = lines.by_ref().map(|(_, l)| l).take_while(|l| *l != "```").collect();
        let commands: Vec<(String, Option<Vec<String>>)> = match kind {
            "sh" => vec![(body.join("\n"), None)],
            "console" => console(&body),
            _ => vec![],
        };
        if marked {
            skipped += 1;
        } else if !commands.is_empty() {
            found.push(Block { line: at + 1, commands });
        }
        marked = false;
    }
    (found, skipped)
}

fn console(body: &[&str]) -> Vec<(String, Option<Vec<String>>)> {
    let mut all: Vec<(String, Option<Vec<String>>)> = vec![];
    for line in body {
        match (line.strip_prefix("$ "), all.last_mut()) {
            (Some(command), _) => all.push((command.to_string(), Some(vec![]))),
            (None, Some((_, Some(output)))) => output.push((*line).to_string()),
            (None, _) => panic!("output before a command: {line}"),
        }
    }
    all
}

/// True when `got` is what the page shows, where `...` stands for any number of lines.
fn fits(shown: &[String], got: &[&str]) -> bool {
    match shown.split_first() {
        None => got.is_empty(),
        Some((first, rest)) if first == "..." => (0..=got.len()).any(|n| fits(rest, &got[n..])),
        Some((first, rest)) => got.first() == Some(&first.as_str()) && fits(rest, &got[1..]),
    }
}

const MARK: &str = "-- end of command, status ";

/// Runs the commands in one shell; returns output (stdout and stderr) and status of each.
fn shell(s: &Scratch, blocks: &[Block]) -> Vec<(String, i32)> {
    let mut script = String::from("exec 2>&1 < /dev/null\n");
    for (command, _) in blocks.iter().flat_map(|b| &b.commands) {
        script += &format!("{command}\necho \"{MARK}$?\"\n");
    }
    let o = run(s.command("bash").arg("-c").arg(&script), b"").expect("bash runs");
    let mut all = vec![];
    let mut text = String::new();
    for line in o.stdout.lines() {
        match line.split_once(MARK) {
            // The command may end without a line feed.
            Some((last, status)) => all.push((std::mem::take(&mut text) + last, status.parse().unwrap_or(-1))),
            None => text = text + line + "\n",
        }
    }
    assert_eq!(text, "", "the shell ended early");
    all
}

/// What is wrong with each command that does not do what the page says.
fn faults(s: &Scratch, blocks: &[Block]) -> Vec<String> {
    let results = shell(s, blocks);
    let commands: Vec<_> = blocks.iter().flat_map(|b| b.commands.iter().map(move |c| (b.line, c))).collect();
    assert_eq!(commands.len(), results.len(), "{results:?}");
    let mut faults = vec![];
    for ((line, (command, shown)), (output, status)) in commands.into_iter().zip(&results) {
        let wrong = match shown {
            // A command whose shown output is an error may fail.
            Some(shown) => !fits(shown, &output.lines().collect::<Vec<_>>()),
            None => *status != 0,
        };
        if wrong {
            faults.push(format!("README.md, block at line {line}: {command}\nstatus {status}, output:\n{output}"));
        }
    }
    faults
}

#[test]
fn what_the_readme_says_works() {
    let page = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let (mut blocks, skipped) = blocks(&page);
    assert!(blocks.len() >= 2 && skipped == 2, "{} blocks, {skipped} not run", blocks.len());
    let s = Scratch::new();
    std::fs::create_dir(s.path("target")).expect("directory");
    std::os::unix::fs::symlink(tools(), s.path("target/release")).expect("link");
    std::fs::copy(root().join("tests/readme/app.c"), s.path("app.c")).expect("copy");
    // Every line of a sh block by itself, so that a failure is not hidden by the next line.
    for b in &mut blocks {
        b.commands = b.commands.drain(..).flat_map(lines).collect();
    }
    let faults = faults(&s, &blocks);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn lines((text, shown): (String, Option<Vec<String>>)) -> Vec<(String, Option<Vec<String>>)> {
    text.lines().map(|l| (l.to_string(), shown.clone())).collect()
}

#[test]
fn the_page_has_no_command_that_is_not_in_a_block() {
    let page = std::fs::read_to_string(root().join("README.md")).expect("README.md");
    let indented: Vec<&str> = page.lines().filter(|l| l.starts_with("    ") && !l.trim_start().starts_with("the words")).collect();
    assert!(indented.is_empty(), "use a fenced block: {indented:?}");
}

#[test]
fn wrong_pages_are_noticed() {
    let page = "a\n```console\n$ echo one; echo two\none\n...\n$ echo three\nfour\n```\n```sh\nfalse\n```\n\
                <!-- not run by tests: no -->\n```sh\nexit 1\n```\n```c\nint x;\n```\n";
    let (found, skipped) = blocks(page);
    assert_eq!((found.len(), found[0].line, found[1].line, skipped), (2, 2, 9, 1));
    let faults = faults(&Scratch::new(), &found);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].contains("echo three") && faults[1].contains("line 9: false"), "{faults:?}");
    let shown = |t: &str| t.lines().map(str::to_string).collect::<Vec<_>>();
    assert!(fits(&shown("...\nb\n..."), &["a", "b"]) && fits(&shown("..."), &[]));
    assert!(!fits(&shown("a\n...\nc"), &["a", "b"]) && !fits(&shown("a"), &["a", "b"]));
}
