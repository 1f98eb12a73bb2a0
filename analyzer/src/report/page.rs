//! A picture as a page (one file, no network), or in the language of Graphviz.

use super::picture::{EdgeKind, Node, NodeKind, Picture};
use super::text::bytes;
use std::fmt::Write as _;

const HTML: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The page. `title` names the program.
#[must_use]
pub fn html(picture: &Picture, title: &str) -> String {
    let data = serde_json::to_string(picture).unwrap_or_default();
    // In a script element `</` would end it, and `<!--` would hide its end.
    let data = data.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    let mut out = String::with_capacity(HTML.len() + STYLE.len() + SCRIPT.len() + data.len());
    let mut rest = HTML;
    // One pass, so that nothing in the data is taken for a mark.
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((mark, after)) = after.split_once("}}") else { break };
        match mark {
            "title" => out.push_str(&escape(title)),
            "style" => out.push_str(STYLE),
            "script" => out.push_str(SCRIPT),
            "data" => out.push_str(&data),
            _ => {}
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Graphviz: one box per side, logged edges red, as wide as they have bytes. Calls are left out, and so is what
/// has no flow.
#[must_use]
pub fn dot(picture: &Picture, title: &str) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    let _ = write_dot(&mut out, picture, title);
    out
}

fn write_dot(out: &mut String, p: &Picture, title: &str) -> std::fmt::Result {
    let flows = || p.edges.iter().filter(|e| e.kind != EdgeKind::Call);
    let mut used = vec![false; p.nodes.len()];
    for e in flows() {
        used[e.from as usize] = true;
        used[e.to as usize] = true;
    }
    writeln!(out, "digraph {} {{\n  rankdir=LR;\n  node [fontname=\"sans-serif\", fontsize=10];", quote(title))?;
    for (environment, name) in [(true, "environment"), (false, "replay space")] {
        writeln!(out, "  subgraph \"cluster_{name}\" {{\n    label=\"{name}\";")?;
        for (i, node) in p.nodes.iter().enumerate().filter(|(i, n)| used[*i] && n.environment == environment) {
            writeln!(out, "    n{i} [label={}, shape={}];", quote(&label(node)), shape(node.kind))?;
        }
        writeln!(out, "  }}")?;
    }
    for e in flows() {
        let width = 1.0 + (e.bytes.max(1) as f64).log10() / 2.0;
        let logged = if e.logged { format!(", color=red, label={}", quote(&bytes(e.bytes))) } else { ", color=gray".to_owned() };
        writeln!(out, "  n{} -> n{} [penwidth={width:.1}{logged}];", e.from, e.to)?;
    }
    writeln!(out, "}}")
}

fn label(node: &Node) -> String {
    let name = node.name.replace('`', "");
    if node.more > 0 { format!("{name}\nand {} more", node.more) } else { name }
}

fn shape(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Function => "box",
        NodeKind::Library => "component",
        NodeKind::Memory => "ellipse",
    }
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::picture::{Edge, Spot};

    fn picture() -> Picture {
        let node = |kind, environment, name: &str| Node {
            kind,
            environment,
            name: name.to_owned(),
            at: String::new(),
            why: String::new(),
            others: Vec::new(),
            more: 0,
        };
        Picture {
            nodes: vec![node(NodeKind::Library, true, "read"), node(NodeKind::Memory, false, "`</script>{{data}}\"`")],
            edges: vec![Edge { from: 0, to: 1, kind: EdgeKind::Write, logged: true, bytes: 100, events: 1, places: vec![0], more: 0 }],
            places: vec![Spot { at: "a.c:1".into(), what: String::new(), text: "x <!-- y".into() }],
            ..Picture::default()
        }
    }

    #[test]
    fn data_does_not_end_its_element() {
        let page = html(&picture(), "a & b");
        assert!(!page.contains("</script>{{data}}") && page.contains("\\u003c/script>{{data}}"));
        assert!(!page.contains("<!-- y") && page.contains("<title>a &amp; b"));
        assert!(!page.contains("http://") && !page.contains("https://"), "the page needs no network");
    }

    #[test]
    fn graphviz_gets_what_it_can_read() {
        let text = dot(&picture(), "a");
        assert!(text.contains("n0 -> n1 [penwidth=2.0, color=red, label=\"100 B\"];"), "{text}");
        assert!(text.contains("label=\"</script>{{data}}\\\"\""), "{text}");
    }
}
