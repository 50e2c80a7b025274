//! One request: its redirects, its proxy, its time limits, and what a failure means.

use std::io;
use std::sync::Arc;

use base64::Engine;
use ureq::http::{Response, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Error as Cause, Proxy, Timeout};

use super::super::cache::unreadable;
use super::super::{Error, ErrorKind, Options, Result};
use super::Source;
use super::address::{host, is_https, is_loopback, is_web, join, shown, split};
use super::attempt::Failure;

/// Redirects that are followed.
const MOST_REDIRECTS: usize = 5;

/// Asks servers.
pub(super) struct Client<'o> {
    agent: Agent,
    options: &'o Options,
}

impl<'o> Client<'o> {
    /// A client with the settings.
    ///
    /// # Errors
    /// When the file of certificates cannot be read.
    pub(super) fn new(options: &'o Options) -> Result<Self> {
        let time = options.timeouts;
        let mut tls = TlsConfig::builder();
        if let Some(path) = &options.certificates {
            let pem = std::fs::read(path).map_err(|e| unreadable(path, &e).after("SSL_CERT_FILE: "))?;
            let certificates = parse_pem(&pem).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            });
            let certificates: Vec<_> = certificates.collect();
            if certificates.is_empty() {
                let message = format!("SSL_CERT_FILE: {} holds no certificate in PEM form", path.display());
                return Err(Error::new(ErrorKind::Entry, message));
            }
            tls = tls.root_certs(RootCerts::Specific(Arc::new(certificates)));
        }
        let agent = Agent::config_builder()
            .user_agent(concat!("ferrotype/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // Redirects are followed here, where each can be judged.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(time.connect))
            .timeout_connect(Some(time.connect))
            .timeout_recv_response(Some(time.silence))
            .timeout_per_read(Some(time.silence))
            .timeout_recv_body(Some(time.whole))
            .tls_config(tls.build())
            .proxy(None)
            .build()
            .new_agent();
        Ok(Self { agent, options })
    }

    /// The answer for a source from that byte on, after redirects.
    pub(super) fn get(&self, source: &Source, from: u64) -> std::result::Result<Response<Body>, Failure> {
        let mut url = source.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(&url, from)?;
            if !response.status().is_redirection() || response.status().as_u16() == 304 {
                return Ok(response);
            }
            url = next(&url, response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok()))?;
        }
        let message = format!("{} leads to more than {MOST_REDIRECTS} redirects", shown(&source.url));
        Err(Failure::Final(Error::new(ErrorKind::Redirect, message)))
    }

    fn ask(&self, url: &str, from: u64) -> std::result::Result<Response<Body>, Failure> {
        let Some((uri, user)) = split(url) else {
            return Err(Failure::Final(Error::new(ErrorKind::Redirect, format!("{} is no address", shown(url)))));
        };
        let variable = self.options.proxies.of(is_https(url), host(url)).filter(|_| !is_loopback(url));
        let proxy = variable.map(|(name, value)| proxy(name, value)).transpose().map_err(Failure::Final)?;
        let mut request = self.agent.get(uri).config().proxy(proxy).build().header(header::ACCEPT_ENCODING, "identity");
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        if let Some(user) = user {
            let code = base64::engine::general_purpose::STANDARD.encode(user);
            request = request.header(header::AUTHORIZATION, format!("Basic {code}"));
        }
        request.call().map_err(|cause| failure(url, variable, &cause))
    }
}

fn proxy(name: &str, value: &str) -> Result<Proxy> {
    Proxy::new(value).map_err(|_| {
        let message = format!(
            "{name} is `{}`; expected the address of a proxy, such as http://proxy.example.org:3128",
            shown(value)
        );
        Error::new(ErrorKind::Network, message)
    })
}

/// Where a redirect leads, if it may be followed.
fn next(url: &str, location: Option<&str>) -> std::result::Result<String, Failure> {
    let refuse = |how: String| Err(Failure::Final(Error::new(ErrorKind::Redirect, format!("{} {how}", shown(url)))));
    let Some(target) = location.and_then(|l| join(url, l)) else {
        return refuse("redirects to nowhere".into());
    };
    if !is_web(&target) {
        return refuse(format!("redirects to {}, which is no address of the web: not followed", shown(&target)));
    }
    if is_https(url) && !is_https(&target) {
        return refuse(format!(
            "redirects from https to {}, which anybody on the way could change: not followed",
            shown(&target)
        ));
    }
    Ok(target)
}

/// What a request's failure means, in words, and whether another try may help.
fn failure(url: &str, proxy: Option<&(String, String)>, cause: &Cause) -> Failure {
    let way = match proxy {
        Some((name, value)) => format!(" through the proxy of {name} ({})", shown(value)),
        None => String::new(),
    };
    let error = |help: &str| {
        let message = format!("no answer of {}{way}: {cause}{help}", shown(url));
        Error::new(ErrorKind::Network, message)
    };
    let about_proxies = match proxy {
        Some((name, _)) => format!(
            "; is {name} right? NO_PROXY names hosts that are asked directly, FERROTYPE_MIRROR another place to load from"
        ),
        None if is_loopback(url) => String::new(),
        None => {
            "; no proxy is set: where the network is reached through one, HTTPS_PROXY (for http: HTTP_PROXY) names it, \
                 such as http://proxy.example.org:3128; FERROTYPE_MIRROR names another place to load from"
                .to_owned()
        }
    };
    let about_certificates =
        "; where a proxy shows certificates of its own, SSL_CERT_FILE names a PEM file with the one to trust";
    match cause {
        Cause::Rustls(_) | Cause::Tls(_) | Cause::Pem(_) => Failure::Final(error(about_certificates)),
        Cause::Io(e) if is_certificate(e) => Failure::Final(error(about_certificates)),
        Cause::HostNotFound
        | Cause::ConnectionFailed
        | Cause::ConnectProxyFailed(_)
        | Cause::InvalidProxyUrl
        | Cause::Timeout(Timeout::Connect | Timeout::Resolve) => Failure::Final(error(&about_proxies)),
        Cause::Io(e) if !is_cut(e.kind()) => Failure::Final(error(&about_proxies)),
        _ => Failure::again(error("")),
    }
}

/// Whether a connection was there and broke; everything else (no such host, nobody there) is the same in a second.
fn is_cut(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof, WouldBlock};
    matches!(kind, ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof | TimedOut | WouldBlock)
}

/// Whether TLS refused the other side; it says so in an error of input and output.
fn is_certificate(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::InvalidData
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str, location: &str) -> String {
        match next(url, Some(location)) {
            Err(Failure::Final(e)) if e.kind() == ErrorKind::Redirect => e.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_began_with_https_stays_so() {
        let message = refused("https://a.example/x?key=1", "http://a.example/y?key=2");
        assert!(message.contains("from https to http://a.example/y") && !message.contains("key"), "{message}");
        assert_eq!(next("http://a.example/x", Some("https://b.example/y")).unwrap(), "https://b.example/y");
        assert_eq!(next("http://a.example/x", Some("http://b.example/y")).unwrap(), "http://b.example/y");
    }
}
