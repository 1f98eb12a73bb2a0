//! The page of `itarget graph --html` in headless Chromium: it draws, search finds, clicks show source lines, and
//! five thousand functions are no trouble. Without Chromium these tests are ignored, by name.

use itarget_tests::{Scratch, root, run};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

fn main() {
    let args = Arguments::from_args();
    let missing = run(std::process::Command::new("chromium").arg("--version"), b"").map_or(true, |o| o.status != 0);
    let test = |name: &str, f: fn() -> Result<(), Failed>| Trial::test(name, f).with_ignored_flag(missing);
    let tests = vec![
        test("the_page_draws_without_an_error", draws),
        test("search_finds_and_clicks_show_lines", finds),
        test("neighbours_come_on_a_double_click", grows),
        test("five_thousand_functions_load_in_seconds", loads),
    ];
    libtest_mimic::run(&args, tests).exit();
}

/// The page of the first example.
fn example(s: &Scratch) -> Result<(), Failed> {
    std::fs::copy(root().join("examples/01-hello-cut/status.c"), s.path("status.c"))?;
    for line in [&["itarget-cc", "-O2", "-g", "status.c", "-o", "status"][..], &["itarget", "graph", "status", "--html", "page.html"]] {
        let o = s.run(line[0], &line[1..]);
        if (o.status, o.stdout.as_str(), o.stderr.as_str()) != (0, "", "") {
            return Err(format!("{line:?}: {o:?}").into());
        }
    }
    Ok(())
}

/// Loads the page, runs `script` (the body of a function) after it, and gives what that returns; any error of the
/// page is one here.
fn browse(s: &Scratch, page: &str, script: &str) -> Result<Value, Failed> {
    let text = std::fs::read_to_string(s.path(page))?;
    let catch = "<script>window.errors = []; addEventListener('error', e => errors.push(String(e.message)));</script>";
    let text = text.replacen("<head>", &format!("<head>{catch}"), 1);
    let act = format!(
        "<script>{{ let got = null; try {{ got = (() => {{ {script} }})(); }} catch (e) {{ errors.push(String(e.stack)); }}
        const pre = document.createElement('pre'); pre.id = 'outcome';
        pre.textContent = JSON.stringify({{ errors, got }}).replaceAll('<', '\\\\u003c').replaceAll('&', '\\\\u0026').replaceAll('>', '\\\\u003e');
        document.body.replaceChildren(pre); }}</script></body>"
    );
    let end = text.rfind("</body>").ok_or("no end of the body")?;
    s.write("acted.html", format!("{}{act}{}", &text[..end], &text[end + "</body>".len()..]));
    let mut c = s.command("chromium");
    c.args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1400,900", "--dump-dom"]);
    c.arg(format!("--user-data-dir={}", s.path("chromium").display())).arg(format!("file://{}", s.path("acted.html").display()));
    let o = run(&mut c, b"")?;
    let found = o.stdout.split_once("<pre id=\"outcome\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (json, _) = found.ok_or_else(|| format!("the page did not get to its end: {o:?}"))?;
    let outcome: Value = serde_json::from_str(json).map_err(|e| format!("{e}: {json}"))?;
    if outcome["errors"] != serde_json::json!([]) {
        return Err(format!("errors of the page: {}", outcome["errors"]).into());
    }
    Ok(outcome["got"].clone())
}

fn check(ok: bool, what: &Value) -> Result<(), Failed> {
    if ok { Ok(()) } else { Err(format!("{what:#}").into()) }
}

fn draws() -> Result<(), Failed> {
    let s = Scratch::new();
    example(&s)?;
    let got = browse(
        &s,
        "page.html",
        "const c = document.getElementById('canvas'), p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
         const colours = new Set(); for (let i = 0; i < p.length; i += 4) colours.add(p[i] << 16 | p[i + 1] << 8 | p[i + 2]);
         return { colours: colours.size, width: c.width, state: itarget.state(), panel: document.getElementById('panel').textContent };",
    )?;
    // Two grounds, three kinds of nodes, lines, text.
    check(got["colours"].as_u64() > Some(30) && got["width"].as_u64() > Some(800), &got)?;
    check(got["state"]["logged"] == 5 && got["state"]["shown"].as_u64() > Some(5), &got)?;
    check(got["panel"].as_str().is_some_and(|p| p.contains("fread → main")), &got)
}

fn finds() -> Result<(), Failed> {
    let s = Scratch::new();
    example(&s)?;
    let got = browse(
        &s,
        "page.html",
        "const search = document.getElementById('search'), panel = document.getElementById('panel'), canvas = document.getElementById('canvas');
         const type = text => { search.value = text; search.dispatchEvent(new Event('input')); };
         const lines = () => [...panel.querySelectorAll('.spot')].map(e => e.textContent);
         type('ato');
         const offered = document.getElementById('results').textContent;
         search.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));
         const found = { title: panel.querySelector('h2').textContent, lines: lines() };
         type('no such thing');
         const none = document.getElementById('results').textContent;
         type('');
         const box = canvas.getBoundingClientRect();
         const click = n => { const [x, y] = itarget.at(n); for (const type of ['pointerdown', 'pointerup'])
           canvas.dispatchEvent(new PointerEvent(type, { clientX: box.left + x, clientY: box.top + y, pointerId: 1, bubbles: true })); };
         click(itarget.find('main'));
         const main = { title: panel.querySelector('h2').textContent, lines: lines(), selected: itarget.state().selected };
         const edge = [...panel.querySelectorAll('li[data-edge]')].find(e => e.textContent.startsWith('fread'));
         edge.click();
         return { offered, found, none, main, edge: { title: panel.querySelector('h2').textContent, lines: lines(), all: panel.textContent } };",
    )?;
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let any = |v: &Value, what: &str| v.as_array().is_some_and(|l| l.iter().any(|x| text(x).contains(what)));
    check(text(&got["offered"]).starts_with("atoi") && text(&got["found"]["title"]) == "atoi", &got)?;
    check(any(&got["found"]["lines"], "stdlib.h:364") && text(&got["none"]) == "nothing of that name", &got)?;
    check(text(&got["main"]["title"]) == "main" && any(&got["main"]["lines"], "status.c:16"), &got)?;
    check(any(&got["main"]["lines"], "while ((n = fread(body, 1, sizeof body, stdin)) > 0) {"), &got)?;
    check(text(&got["edge"]["title"]) == "fread its result goes to main" && any(&got["edge"]["lines"], "status.c:16"), &got)?;
    check(text(&got["edge"]["all"]).contains("in the log"), &got)
}

/// A program of `count` functions in which each calls the next, some bring something in, and all share memory.
fn generated(count: usize) -> String {
    let mut text = String::from("#include <stdlib.h>\n#include <unistd.h>\n#include <time.h>\nstatic long g[64];\nstatic char b[64][512];\n");
    for i in (0..count).rev() {
        let next = if i + 1 < count { format!("f{}(x + {i})", i + 1) } else { "x".to_owned() };
        let work = match i % 40 {
            3 => format!("g[{}] = time(0);", i % 64),
            11 => format!("x += read(0, b[{0}], sizeof b[{0}]);", i % 64),
            17 => format!("for (int k = 0; k < 512; k++) x += b[{}][k];", i % 64),
            _ => format!("g[{}] += x ^ g[{}];", i % 64, (i + 7) % 64),
        };
        // Writing to a string can't fail.
        let _ = writeln!(text, "static long v{i};\nlong f{i}(long x) {{ {work} v{i} = x; return {next} + v{i}; }}");
    }
    text + "int main(int argc, char **argv) { (void)argv; return f0(argc) & 1; }\n"
}

fn grows() -> Result<(), Failed> {
    let s = Scratch::new();
    page_of(&s, 300)?;
    let got = browse(
        &s,
        "page.html",
        "const canvas = document.getElementById('canvas'), before = itarget.state(), box = canvas.getBoundingClientRect();
         const n = itarget.find('f11'), [x, y] = itarget.at(n);
         canvas.dispatchEvent(new MouseEvent('dblclick', { clientX: box.left + x, clientY: box.top + y, bubbles: true }));
         const grown = itarget.state();
         document.getElementById('show-all').click();
         const all = itarget.state();
         document.getElementById('show-cut').click();
         return { before, grown, all, again: itarget.state() };",
    )?;
    let shown = |v: &Value| v["shown"].as_u64().unwrap_or(0);
    check(shown(&got["before"]) < 80 && shown(&got["grown"]) > shown(&got["before"]), &got)?;
    check(shown(&got["all"]) > 600 && got["all"]["shown"] == got["all"]["nodes"] && shown(&got["again"]) == shown(&got["before"]), &got)
}

fn page_of(s: &Scratch, functions: usize) -> Result<(), Failed> {
    s.write("many.c", generated(functions));
    let clang = ["-O1", "-Xclang", "-disable-llvm-passes", "-g", "-emit-llvm", "-c", "many.c", "-o", "many.bc"];
    for (program, args) in [("clang-19", &clang[..]), ("itarget", &["graph", "many.bc", "--html", "page.html"])] {
        let o = s.run(program, args);
        if o.status != 0 {
            return Err(format!("{program}: {o:?}").into());
        }
    }
    Ok(())
}

fn loads() -> Result<(), Failed> {
    let s = Scratch::new();
    page_of(&s, 5000)?;
    let size = std::fs::metadata(Path::new(&s.path("page.html")))?.len();
    let got = browse(
        &s,
        "page.html",
        "const ready = itarget.ready, search = document.getElementById('search');
         let t = performance.now(); search.value = 'f4321'; search.dispatchEvent(new Event('input'));
         search.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));
         const found = document.querySelector('#panel h2').textContent, searching = performance.now() - t;
         t = performance.now(); document.getElementById('show-all').click(); const all = performance.now() - t;
         return { ready, found, searching, all, state: itarget.state() };",
    )?;
    let ms = |name: &str| got[name].as_f64().unwrap_or(f64::MAX);
    println!("{size} bytes; ready {:.0} ms, search {:.0} ms, everything {:.0} ms", ms("ready"), ms("searching"), ms("all"));
    check(got["found"] == "f4321" && got["state"]["nodes"].as_u64() > Some(10_000), &got)?;
    check(ms("ready") < 5000.0 && ms("searching") < 2000.0 && ms("all") < 5000.0, &got)
}
