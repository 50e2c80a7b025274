use super::*;

const GOOD: &str = r#"
# A comment.
name: small
kind: detector
what: Finds faces.
file: small.onnx
size: 3
sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
sources:
  - https://example.org/small.onnx
tried: false
origin: >
  Two lines
  in one.
licence: MIT
terms: "unknown"
commercial: allowed
citation: none
input: "[1, 3]: RGB"
output: boxes
known_answer: one face
"#;

fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

fn refused(text: &str) -> String {
    let error = Entry::from_yaml("small.yaml", text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Entry);
    error.to_string()
}

#[test]
fn an_entry_is_read_and_written() {
    let entry = Entry::from_yaml("small.yaml", GOOD).unwrap();
    assert_eq!((entry.kind, entry.size, entry.commercial), (Kind::Detector, 3, Commercial::Allowed));
    assert_eq!(entry.origin, "Two lines in one.");
    assert_eq!(entry.notes, "");
    assert!(!entry.is_restricted());
    let mut other = entry.clone();
    other.sources.push("http://127.0.0.1:80/a".into());
    other.what = "quotes \" and: colons\nand lines".into();
    assert_eq!(Entry::from_yaml("small.yaml", &other.to_yaml()).unwrap(), other);
    other.sources.clear();
    assert_eq!(Entry::from_yaml("small.yaml", &other.to_yaml()).unwrap(), other);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, parts) in [
        (with("kind: detector", "kind: dog"), &["unknown variant `dog`", "detector"][..]),
        (with("size: 3", "size: three"), &["invalid type"]),
        (with("size: 3", "size: 0"), &["size is 0"]),
        (with("size: 3", "size: 99999999999"), &["size is 99999999999"]),
        (with("licence: MIT", "licence:"), &["line 15", "nothing stands here"]),
        (with("licence: MIT\n", ""), &["missing field `licence`"]),
        (with("licence: MIT", "licence: MIT\nlicense: MIT"), &["unknown field `license`"]),
        (with("licence: MIT", "licence: MIT\nlicence: BSD"), &["line 16", "second time"]),
        (with("licence: MIT", "licence: !x MIT"), &["line 15", "tags"]),
        (with("licence: MIT", "licence: &x MIT"), &["line 15", "anchors"]),
        (with("licence: MIT", "licence: {a: b}"), &["line 15", "text"]),
        (with("licence: MIT", "licence: [MIT"), &["line"]),
        (with("known_answer: one face", "known_answer: \"\""), &["`known_answer` is empty"]),
        (with("ba78", "BA78"), &["64 hexadecimal digits in lower case"]),
        (with("ba78", "ba7"), &["64 hexadecimal digits"]),
        ("- a\n".into(), &["line 1", "one map"]),
        (String::new(), &["empty"]),
        (format!("{GOOD}\n---\na: b\n"), &["one map"]),
        (format!("{GOOD}#{}", "x".repeat(70_000)), &["at most 65536"]),
    ] {
        let message = refused(&text);
        assert!(message.starts_with("small.yaml: "), "{message}");
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}

#[test]
fn names_lead_out_of_no_folder() {
    for name in ["../x", "a/b", "A", ".x", "a..b", "", "-x", "hub:x", "a b"] {
        assert!(refused(&with("name: small", &format!("name: \"{name}\""))).contains("name is"), "{name}");
    }
    for file in ["../x", "a/b", ".x", "", "a b", "x.part", "a\\\\b", "C:x"] {
        assert!(refused(&with("file: small.onnx", &format!("file: \"{file}\""))).contains("file is"), "{file}");
    }
}

#[test]
fn sources_are_of_the_web_and_safe() {
    for url in
        ["http://example.org/a", "file:///etc/passwd", "ftp://a/b", "https://", "https://a:b@c/d", "a", "https://a/b c"]
    {
        let text = with("https://example.org/small.onnx", &format!("\"{url}\""));
        assert!(refused(&text).contains("no address that is loaded from"), "{url}");
    }
    let text = with("https://example.org/small.onnx", "http://localhost:8000/a");
    Entry::from_yaml("small.yaml", &text).unwrap();
}
