//! The small grammars inside values, and the stanza for unknown functions.

use itarget_annotations::{Annotations, Kind, Len, Ret, Retained, Varargs, Width, stanza_for};

fn len(text: &str) -> Len {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn lengths_are_read() {
    let add = |a, b| Len::Add(Box::new(a), Box::new(b));
    let mul = |a, b| Len::Mul(Box::new(a), Box::new(b));
    assert_eq!(len("ret*arg1"), mul(Len::Ret, Len::Arg(1)));
    assert_eq!(
        len("1 + arg1 * 2"),
        add(Len::Const(1), mul(Len::Arg(1), Len::Const(2)))
    );
    assert_eq!(
        len("(1 + arg1) * 2"),
        mul(add(Len::Const(1), Len::Arg(1)), Len::Const(2))
    );
    assert_eq!(
        len("u32:arg2"),
        Len::Mem {
            arg: 2,
            width: Width::U32
        }
    );
    assert_eq!(
        len("u64:arg2"),
        Len::Mem {
            arg: 2,
            width: Width::U64
        }
    );
    assert_eq!(
        len("min(ret+1,arg15)"),
        Len::Min(
            Box::new(add(Len::Ret, Len::Const(1))),
            Box::new(Len::Arg(15))
        )
    );
    assert_eq!(
        len("(arg1 + 63) / 64"),
        Len::Div(Box::new(add(Len::Arg(1), Len::Const(63))), 64)
    );
    assert_eq!(len("cstr"), Len::CStr);
    assert_eq!(len("iovec:1,2"), Len::Iovec { arg: 1, count: 2 });
    assert_eq!(len("msghdr:1"), Len::Msghdr { arg: 1 });
    assert_eq!(len("mmsghdr:1"), Len::Mmsghdr { arg: 1 });
    assert_eq!(len("scanf:1"), Len::Scanf { format: 1 });
    assert_eq!(len("ioctl:1"), Len::Ioctl { request: 1 });
    for bad in [
        "", "arg", "arg16", "ret ret", "1 +", "min(1)", "(1", "cstr + 1", "u16:arg0", "-1",
    ] {
        assert!(bad.parse::<Len>().is_err(), "{bad}");
    }
}

#[test]
fn lengths_survive_being_written_and_read() {
    // All shapes of two operators over three leaves, and all keywords.
    let leaves = [
        Len::Const(7),
        Len::Ret,
        Len::Mem {
            arg: 3,
            width: Width::U64,
        },
    ];
    let pair = |op: usize, a: &Len, b: &Len| match op {
        0 => Len::Add(Box::new(a.clone()), Box::new(b.clone())),
        1 => Len::Mul(Box::new(a.clone()), Box::new(b.clone())),
        2 => Len::Min(Box::new(a.clone()), Box::new(b.clone())),
        _ => Len::Div(Box::new(a.clone()), 9),
    };
    for outer in 0..4 {
        for inner in 0..4 {
            let nested = pair(inner, &leaves[0], &leaves[1]);
            for value in [
                pair(outer, &nested, &leaves[2]),
                pair(outer, &leaves[2], &nested),
            ] {
                assert_eq!(len(&value.to_string()), value, "{value}");
            }
        }
    }
    for text in [
        "cstr",
        "wcstr",
        "iovec:1,2",
        "msghdr:1",
        "mmsghdr:1",
        "scanf:1",
        "ioctl:1",
    ] {
        assert_eq!(len(text).to_string(), text);
    }
    for function in Annotations::builtin().functions() {
        for region in function.writes.iter().chain(&function.reads) {
            assert_eq!(
                len(&region.len.to_string()),
                region.len,
                "{}",
                function.name
            );
        }
    }
}

#[test]
fn part_of_what_an_argument_leads_to_is_kept() {
    let text = "[[function]]\nnames = [\"f\"]\nkind = \"env\"\nret = \"int\"\nretains = [{ arg = 1, bytes = 128 }, 3]\npointers = [\"*arg1+8 <- arg3+0\"]";
    let set = Annotations::parse("f.toml", text).unwrap_or_else(|error| panic!("\n{error}"));
    let function = set.function("f").unwrap();
    assert_eq!(
        function.retains,
        [Retained { arg: 1, bytes: Some(128) }, Retained { arg: 3, bytes: None }]
    );
    assert_eq!(function.pointers.as_ref().unwrap()[0].src.offset, Some(0));
}

#[test]
fn a_stanza_parses_and_claims_little() {
    let text = stanza_for("frobnicate", true, &[true, false, true], true);
    let set = Annotations::parse("stanza", &text).unwrap_or_else(|error| panic!("\n{error}"));
    let function = set.function("frobnicate").unwrap();
    assert_eq!((function.kind, function.ret), (Kind::Env, Ret::External));
    assert_eq!(function.retains, [0, 2].map(|arg| Retained { arg, bytes: None }));
    assert_eq!(function.varargs, Some(Varargs::Words(13)));

    for (ret, params, vararg) in [
        (false, &[][..], false),
        (false, &[false][..], true),
        (true, &[true; 40][..], false),
        (true, &[true; 16][..], true),
    ] {
        let text = stanza_for("we \"quote\"", ret, params, vararg);
        let set = Annotations::parse("stanza", &text).unwrap_or_else(|error| panic!("\n{error}"));
        assert!(set.function("we \"quote\"").is_some());
    }
}
