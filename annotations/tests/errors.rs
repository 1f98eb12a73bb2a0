//! Faults in annotation files: the right code, at the right place, in words that help.

use itarget_annotations::{Annotations, Error, ErrorCode};

fn fault(text: &str) -> Error {
    Annotations::parse("f.toml", text).expect_err("a fault")
}

/// A function with one more line.
fn with(ret: &str, line: &str) -> String {
    format!("[[function]]\nnames = [\"f\"]\nkind = \"env\"\nret = \"{ret}\"\n{line}\n")
}

#[test]
fn a_missing_quote_is_shown_where_it_is() {
    let error = fault("[[function]]\nnames = [\"f\"]\nkind = env\n");
    assert_eq!(
        (error.code, error.line, error.column),
        (ErrorCode::BadToml, 3, 8)
    );
    assert!(
        error.to_string().starts_with("IT0301: f.toml:3:8: "),
        "{error}"
    );
    assert!(
        error.to_string().contains("3 | kind = env\n  |        ^"),
        "{error}"
    );
}

#[test]
fn what_calls_back_is_the_environments() {
    let callback = "callbacks = [{ arg = 0, args = [\"int\"] }]";
    assert!(Annotations::parse("f.toml", &with("int", callback)).is_ok());
    for kind in ["det", "det-locale"] {
        let error = fault(&with("int", callback).replace("\"env\"", &format!("\"{kind}\"")));
        assert_eq!((error.code, error.line), (ErrorCode::BadValue, 5), "{error}");
        assert!(error.to_string().contains("env"), "{error}");
    }
}

#[test]
fn an_unknown_field_is_shown_where_it_is() {
    let error = fault(&with("int", "wirtes = []"));
    assert_eq!(
        (error.code, error.line, error.column),
        (ErrorCode::BadToml, 5, 1)
    );
    assert!(error.message.contains("wirtes"), "{error}");
    assert_eq!(error.width, 6);
}

#[test]
fn a_bad_length_is_marked_whole() {
    let error = fault(&with("int", "writes = [{ arg = 1, len = \"ret * lots\" }]"));
    assert_eq!(
        error.to_string(),
        "IT0302: f.toml:5:28: expected a length, found `lots`\n\
         5 | writes = [{ arg = 1, len = \"ret * lots\" }]\n\
         \x20 |                            ^^^^^^^^^^^^"
    );
}

#[test]
fn columns_count_characters() {
    let error = fault(&with("int", "show = \"\u{e4}\u{f6}\""));
    assert_eq!((error.line, error.column, error.width), (5, 8, 4));
}

#[test]
fn values_without_sense_are_refused() {
    for (text, message) in [
        (
            with("external", "writes = [{ arg = 0, len = \"4\", unless = 0 }]"),
            "`unless` is for bytes of the argument's own",
        ),
        (
            with("int", "frees = 16"),
            "argument 16 is beyond the highest, 15",
        ),
        (
            with("int", "frees = 99999999999"),
            "argument 99999999999 is beyond the highest, 15",
        ),
        (
            with("int", "writes = [{ arg = 200, len = \"1\" }]"),
            "argument 200 is beyond",
        ),
        (
            with("int", "writes = [{ arg = 1, len = \"arg16\" }]"),
            "argument 16 is beyond",
        ),
        (
            with("int", "writes = [{ arg = 1, len = \"arg1 / 0\" }]"),
            "division by zero",
        ),
        (
            with("int", "writes = [{ len = \"4\" }]"),
            "which argument points to these bytes?",
        ),
        (
            with("int", "writes = [{ arg = 2, len = \"scanf:1\" }]"),
            "about another argument",
        ),
        (
            with("void", "writes = [{ arg = 1, len = \"ret\" }]"),
            "the result is no number",
        ),
        (
            with("arg0", "writes = [{ arg = 0, len = \"ret\" }]"),
            "the result is no number",
        ),
        (with("into:", ""), "expected a number, found the end"),
        (with("arg16", ""), "argument 16 is beyond"),
        (
            with("arg3", "params = 2"),
            "argument 3 is named, but there are 2 arguments",
        ),
        (
            with("into:2", "params = 2"),
            "argument 2 is named, but there are 2 arguments",
        ),
        (with("copy:0", ""), "a copy of 0 bytes"),
        (with("pointer", ""), "`pointer` is no result"),
        (
            with("int", "pointers = [\"ret <- arg0\"]"),
            "the function returns no pointer",
        ),
        (
            with("int", "pointers = [\"arg1 <- arg0\"]"),
            "a pointer can only go to",
        ),
        (
            with("int", "pointers = [\"*arg1 = arg0\"]"),
            "expected `DST <- SRC`",
        ),
        (
            with("int", "pointers = [\"***arg1 <- arg0\"]"),
            "at most two `*`",
        ),
        (
            with("int", "pointers = [\"*arg1 <- arg0+4\"]"),
            "an offset other than 0 needs a `*`",
        ),
        (
            with("int", "pointers = [\"*arg1 <- that\"]"),
            "found `that`",
        ),
        (
            with("int", "retains = [{ arg = 1 }]"),
            "this is no argument",
        ),
        (
            with("int", "retains = [{ arg = 1, bytes = 0 }]"),
            "this is no argument",
        ),
        (
            with("int", "callbacks = [{ arg = 77 }]"),
            "argument 77 is beyond",
        ),
        (
            with("int", "callbacks = [{ arg = true }]"),
            "expected an argument number or a place",
        ),
        (with("int", "varargs = \"print:1\""), "is no argument list"),
        (with("int", "show = \"fd\""), "is no stream"),
        (
            with("int", "runtime = \"g\""),
            "`runtime` has no meaning for `env`",
        ),
        (
            with("int", "reason = \"no\""),
            "`reason` has no meaning for `env`",
        ),
        (
            with("int", "[[function.case]]\narg = 1\nvalues = []"),
            "no values",
        ),
        (
            with(
                "int",
                "[[function.case]]\narg = 1\nvalues = [1]\nkind = \"refuse\"",
            ),
            "a refusal needs a reason",
        ),
        (
            "[[function]]\nnames = []\nkind = \"env\"\nret = \"int\"".to_owned(),
            "no names",
        ),
        (
            "[[function]]\nnames = [\"f\", \"f\"]\nkind = \"env\"\nret = \"int\"".to_owned(),
            "`f` is annotated twice",
        ),
        (
            "[[function]]\nnames = [\"f\"]\nkind = \"evn\"\nret = \"int\"".to_owned(),
            "`evn` is no kind",
        ),
        (
            "[[function]]\nnames = [\"f\"]\nkind = \"runtime\"\nret = \"int\"".to_owned(),
            "kind `runtime` needs `runtime`",
        ),
        (
            "[[function]]\nnames = [\"f\"]\nkind = \"refuse\"\nret = \"int\"".to_owned(),
            "kind `refuse` needs `reason`",
        ),
        (
            "[[function]]\nnames = [\"f\"]\nkind = \"det\"\nret = \"int\"\nshow = \"stdout\""
                .to_owned(),
            "`show` is for environment functions",
        ),
        (
            "[[variable]]\nnames = [\"v\"]\nkind = \"env\"".to_owned(),
            "`env` is no kind",
        ),
    ] {
        let error = fault(&text);
        assert_eq!(error.code, ErrorCode::BadValue, "{error}");
        assert!(
            error.message.contains(message),
            "wanted: {message}\n{error}"
        );
    }
}

#[test]
fn what_is_missing_is_named() {
    let error = fault("[[function]]\nnames = [\"f\"]\nkind = \"env\"\n");
    assert_eq!(error.code, ErrorCode::BadToml);
    assert!(error.message.contains("ret"), "{error}");
}

#[test]
fn any_bytes_give_a_value_or_an_error() {
    let deep = with(
        "int",
        &format!("writes = [{{ arg = 0, len = \"{}1\" }}]", "(".repeat(5000)),
    );
    assert!(fault(&deep).message.contains("nested too deeply"));
    for text in [
        "",
        "\u{0}",
        "[[function]]",
        "[[function",
        "\u{fffd}=",
        "function = 3",
        "\r\n\r",
    ] {
        let _ = Annotations::parse("f.toml", text);
    }
    // Every prefix of a good file, cut at any character.
    let good = with(
        "int",
        "writes = [{ arg = 1, len = \"min(ret + 1, arg2)\" }]\nshow = \"fd:0\"",
    );
    for (end, _) in good.char_indices() {
        let _ = Annotations::parse("f.toml", &good[..end]).map_err(|error| error.to_string());
    }
}
