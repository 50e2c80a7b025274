//! Addresses: their parts, what of them may be shown, where a redirect leads.

use ureq::http::Uri;

/// An address without what must not be shown: passwords and queries, which are often keys.
pub(crate) fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        // A proxy may be written without its scheme.
        None => url.rsplit_once('@').map_or(url, |(_, host)| host).to_owned(),
    }
}

/// The host of an address, without name, password and port.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Whether an address is on this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let host = host(url);
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

pub(super) fn is_https(url: &str) -> bool {
    scheme(url).eq_ignore_ascii_case("https")
}

/// Whether it is an address of the web at all.
pub(super) fn is_web(url: &str) -> bool {
    is_https(url) || scheme(url).eq_ignore_ascii_case("http")
}

fn scheme(url: &str) -> &str {
    url.split_once("://").map_or("", |(scheme, _)| scheme)
}

/// The address that a redirect from `base` names (RFC 3986, section 5.3, as far as servers use it); None where it is none.
pub(super) fn join(base: &str, location: &str) -> Option<String> {
    let location = location.split('#').next().unwrap_or_default();
    let before_path = location.split(['/', '?']).next().unwrap_or_default();
    let url = if before_path.contains(':') {
        location.to_owned()
    } else {
        let (scheme, rest) = base.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        // Name and password of the mirror are not for another address, nor needed for this one's.
        let authority = rest[..end].rsplit_once('@').map_or(&rest[..end], |(_, host)| host);
        let path = rest[end..].split(['?', '#']).next().unwrap_or_default();
        match location {
            other if other.starts_with("//") => format!("{scheme}:{other}"),
            path if path.starts_with('/') => format!("{scheme}://{authority}{path}"),
            query if query.starts_with('?') => format!("{scheme}://{authority}{path}{query}"),
            "" => return None,
            file => {
                let folder = path.rfind('/').map_or("", |at| &path[..at]);
                format!("{scheme}://{authority}{folder}/{file}")
            }
        }
    };
    Some(url)
}

/// An address for a request, and name and password if it has them.
pub(super) fn split(url: &str) -> Option<(Uri, Option<String>)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (user, authority) = match rest[..end].rsplit_once('@') {
        Some((user, authority)) => (Some(decoded(user)), authority),
        None => (None, &rest[..end]),
    };
    let uri = format!("{scheme}://{authority}{}", &rest[end..]).parse().ok()?;
    Some((uri, user))
}

/// `%40` and the like as the bytes that they stand for.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code.filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        assert_eq!(shown("https://me:word@m.example:8/a/b?key=1#x"), "https://m.example:8/a/b");
        assert_eq!(shown("me:word@proxy:3128"), "proxy:3128");
        assert_eq!(shown("https://m.example/@a"), "https://m.example/@a");
    }

    #[test]
    fn hosts_are_found() {
        for (url, expected) in [
            ("https://a.b/c", "a.b"),
            ("http://u:p@127.0.0.1:80/", "127.0.0.1"),
            ("http://[::1]:9/x", "::1"),
            ("http://localhost?x", "localhost"),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
        for url in ["http://127.8.0.1/", "http://[::1]/", "http://LocalHost:1"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://localhost.example.org/", "http://127.0.0.1.example.org/", "http://localhost@example.org/"] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn redirects_lead_where_the_standard_says() {
        let base = "https://u:p@h.example:1/a/b?c";
        for (location, expected) in [
            ("https://x.example/y", "https://x.example/y"),
            ("//x.example/y", "https://x.example/y"),
            ("/y?z#f", "https://h.example:1/y?z"),
            ("y", "https://h.example:1/a/y"),
            ("?q", "https://h.example:1/a/b?q"),
            ("file:///etc/passwd", "file:///etc/passwd"),
            ("data:text/plain,x", "data:text/plain,x"),
        ] {
            assert_eq!(join(base, location).as_deref(), Some(expected));
        }
        assert_eq!(join(base, ""), None);
    }

    #[test]
    fn names_and_passwords_go_into_no_request_line() {
        let (uri, user) = split("https://me:a%40b%@m.example/x").unwrap();
        assert_eq!((uri.to_string().as_str(), user.as_deref()), ("https://m.example/x", Some("me:a@b%")));
        assert_eq!(split("https://m.example").unwrap().1, None);
    }
}
