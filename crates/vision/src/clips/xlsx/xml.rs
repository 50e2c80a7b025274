//! XML as a row of tags and texts: no more than the files inside an xlsx file need.

/// What stands in the text, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece<'a> {
    /// A tag without the prefix of its name, with its attributes as they are written; `closed` at once (`<a/>`).
    Open { name: &'a str, attributes: &'a str, closed: bool },
    /// The end of a tag.
    Close(&'a str),
    /// Text between tags, with its entities resolved.
    Text(String),
}

/// The pieces of a text. Declarations and comments are left out; what is cut off at the end is not there.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let Some(after) = rest.strip_prefix('<') else {
                let end = rest.find('<').unwrap_or(rest.len());
                let (inside, left) = rest.split_at(end);
                rest = left;
                return Some(Piece::Text(resolved(inside)));
            };
            let (end, skip) = match () {
                () if after.starts_with("!--") => (after.find("-->")?, 3),
                () if after.starts_with("![CDATA[") => (after.find("]]>")?, 3),
                () => (after.find('>')?, 1),
            };
            let inside = &after[..end];
            rest = &after[end + skip..];
            if let Some(text) = inside.strip_prefix("![CDATA[") {
                return Some(Piece::Text(text.to_owned()));
            }
            if !inside.starts_with(['!', '?']) {
                return Some(tag(inside));
            }
        }
    })
}

fn tag(inside: &str) -> Piece<'_> {
    if let Some(name) = inside.strip_prefix('/') {
        return Piece::Close(local(name.trim()));
    }
    let (inside, closed) = match inside.strip_suffix('/') {
        Some(inside) => (inside, true),
        None => (inside, false),
    };
    let (name, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
    Piece::Open { name: local(name), attributes, closed }
}

/// A name without its prefix: `c` of `x:c`.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The value of an attribute, by its name without prefix.
pub(super) fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, left) = after[1..].split_once(quote)?;
        if local(name.trim()) == wanted {
            return Some(resolved(value));
        }
        rest = left;
    }
}

/// Entities as what they stand for; unknown ones stay as they are.
fn resolved(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let known = after.split_once(';').and_then(|(name, left)| Some((entity(name)?, left)));
        match known {
            Some((c, left)) => {
                out.push(c);
                rest = left;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out + rest
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_texts_and_entities() {
        let text = "<?xml version='1.0'?><!-- <a> --><x:a b=\"1 &lt; 2\" r:id='7'>t &amp; &#65;&#x42; &odd;<c/></x:a><![CDATA[<&]]>";
        let found: Vec<_> = pieces(text).collect();
        let Piece::Open { name: "a", attributes, closed: false } = found[0] else { panic!("{found:?}") };
        assert_eq!((attribute(attributes, "b"), attribute(attributes, "id")), (Some("1 < 2".into()), Some("7".into())));
        assert_eq!(attribute(attributes, "c"), None);
        assert_eq!(found[1], Piece::Text("t & AB &odd;".into()));
        assert_eq!(found[2], Piece::Open { name: "c", attributes: "", closed: true });
        assert_eq!(found[3..], [Piece::Close("a"), Piece::Text("<&".into())]);
        for cut in 0..text.len() {
            let _ = pieces(&text[..cut]).count();
        }
    }
}
