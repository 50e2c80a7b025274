//! Where the cache is, whether there is a network, and through what.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use super::{Error, ErrorKind, Result};

/// The settings of a [`super::Hub`].
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the cache.
    pub home: PathBuf,
    /// Whether the network may not be asked.
    pub offline: bool,
    /// The address below which `<name>/<file>` is, asked instead of the entries' own sources.
    pub mirror: Option<String>,
    /// Proxies by the scheme of an address.
    pub proxies: Proxies,
    /// A file of certificates in PEM form that are trusted instead of Mozilla's list.
    pub certificates: Option<PathBuf>,
    /// How long is waited for what.
    pub timeouts: Timeouts,
    /// How often an address is tried, the first time included.
    pub tries: u32,
    /// The pause before the second try; it doubles from try to try, up to 30 seconds.
    pub pause: Duration,
}

/// The proxies of the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, also in small letters.
#[derive(Clone, Default)]
pub struct Proxies {
    /// For https: the variable's name and its value, an address such as `http://user:password@proxy:3128`.
    pub https: Option<(String, String)>,
    /// For http.
    pub http: Option<(String, String)>,
    /// Hosts that are asked directly: names with what is below them, or `*`. This machine always is.
    pub none: Vec<String>,
}

/// Values may hold passwords, which belong in no log.
impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = |p: &Option<(String, String)>| p.as_ref().map(|(name, _)| name.clone());
        f.debug_struct("Proxies")
            .field("https", &name(&self.https))
            .field("http", &name(&self.http))
            .field("none", &self.none)
            .finish()
    }
}

/// How long is waited.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For the beginning of an answer, and for each further piece of it.
    pub silence: Duration,
    /// For all of a file, in one try.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(15), silence: Duration::from_secs(30), whole: Duration::from_secs(3600) }
    }
}

impl Options {
    /// The usual settings with the cache in that folder, whatever the environment says.
    pub fn at(home: impl Into<PathBuf>) -> Self {
        Self {
            home: home.into(),
            offline: false,
            mirror: None,
            proxies: Proxies::default(),
            certificates: None,
            timeouts: Timeouts::default(),
            tries: 4,
            pause: Duration::from_millis(500),
        }
    }

    /// The settings of the environment: `FERROTYPE_HOME` (else `XDG_CACHE_HOME/ferrotype`, else `~/.cache/ferrotype`),
    /// `FERROTYPE_MIRROR`, `FERROTYPE_OFFLINE`, the variables of [`Proxies`], `SSL_CERT_FILE`. An empty variable is none.
    ///
    /// # Errors
    /// When there is no home folder, or a variable is not understood.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(&|name| env::var(name).ok(), env::home_dir())
    }

    /// As [`Self::from_env`], with other variables.
    ///
    /// # Errors
    /// As there.
    pub fn from_variables(variable: &dyn Fn(&str) -> Option<String>, user: Option<PathBuf>) -> Result<Self> {
        let get = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let home = match (get("FERROTYPE_HOME"), get("XDG_CACHE_HOME").map(PathBuf::from), user) {
            (Some(home), ..) => PathBuf::from(home),
            // The XDG Base Directory Specification: relative paths are to be ignored.
            (None, Some(cache), _) if cache.is_absolute() => cache.join("ferrotype"),
            (None, _, Some(user)) => user.join(".cache").join("ferrotype"),
            (None, ..) => {
                let message = "no home folder is known to keep models in: set FERROTYPE_HOME to a folder";
                return Err(Error::new(ErrorKind::Disk, message));
            }
        };
        let mut options = Self::at(home);
        options.offline = match get("FERROTYPE_OFFLINE") {
            None => false,
            Some(value) => truth("FERROTYPE_OFFLINE", &value)?,
        };
        options.mirror = get("FERROTYPE_MIRROR").map(|m| mirror(&m)).transpose()?;
        options.certificates = get("SSL_CERT_FILE").map(PathBuf::from);
        let first = |names: &[&str]| names.iter().find_map(|&name| Some((name.to_owned(), get(name)?)));
        options.proxies = Proxies {
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            http: first(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
            none: first(&["no_proxy", "NO_PROXY"]).map(|(_, value)| words(&value)).unwrap_or_default(),
        };
        Ok(options)
    }

    /// The same settings with another mirror.
    ///
    /// # Errors
    /// When it is no address.
    pub fn with_mirror(mut self, url: &str) -> Result<Self> {
        self.mirror = Some(mirror(url)?);
        Ok(self)
    }
}

fn mirror(url: &str) -> Result<String> {
    let url = url.trim().trim_end_matches('/');
    let is_address = ["https://", "http://"].iter().any(|s| url.strip_prefix(s).is_some_and(|rest| !rest.is_empty()));
    if is_address && !url.contains(char::is_whitespace) && !url.contains(['?', '#']) {
        return Ok(url.to_owned());
    }
    let shown = super::download::shown(url);
    let message = format!(
        "FERROTYPE_MIRROR is `{shown}`; expected an address such as https://mirror.example.org/ferrotype, below which the \
         files stand as NAME/FILE"
    );
    Err(Error::new(ErrorKind::Entry, message))
}

fn truth(name: &str, value: &str) -> Result<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(Error::new(ErrorKind::Entry, format!("{name} is `{value}`; expected 1 or 0"))),
    }
}

fn words(list: &str) -> Vec<String> {
    list.split([',', ' ']).map(|w| w.trim().to_ascii_lowercase()).filter(|w| !w.is_empty()).collect()
}

impl Proxies {
    /// The proxy for an address, with its variable.
    pub(crate) fn of(&self, is_https: bool, host: &str) -> Option<&(String, String)> {
        let host = host.to_ascii_lowercase();
        let is_below = |name: &str| host == name || host.ends_with(&format!(".{name}"));
        let is_direct = |word: &String| {
            let name = word.split(':').next().unwrap_or_default();
            word == "*" || is_below(name.trim_start_matches("*.").trim_start_matches('.'))
        };
        if self.none.iter().any(is_direct) {
            return None;
        }
        if is_https { self.https.as_ref() } else { self.http.as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Options> {
        let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.to_string());
        Options::from_variables(&get, Some("/home/u".into()))
    }

    #[test]
    fn the_cache_is_where_the_environment_says() {
        let home = |variables: &[(&str, &str)]| of(variables).unwrap().home;
        assert_eq!(home(&[]), PathBuf::from("/home/u/.cache/ferrotype"));
        assert_eq!(home(&[("XDG_CACHE_HOME", "/x")]), PathBuf::from("/x/ferrotype"));
        assert_eq!(home(&[("XDG_CACHE_HOME", "x")]), PathBuf::from("/home/u/.cache/ferrotype"));
        assert_eq!(home(&[("XDG_CACHE_HOME", "/x"), ("FERROTYPE_HOME", "/f")]), PathBuf::from("/f"));
        assert_eq!(home(&[("FERROTYPE_HOME", "")]), PathBuf::from("/home/u/.cache/ferrotype"));
        let none = Options::from_variables(&|_| None, None).unwrap_err();
        assert!(none.to_string().contains("FERROTYPE_HOME"), "{none}");
    }

    #[test]
    fn variables_that_are_not_understood_are_refused() {
        assert!(of(&[("FERROTYPE_OFFLINE", "1")]).unwrap().offline);
        assert!(!of(&[("FERROTYPE_OFFLINE", "0")]).unwrap().offline);
        assert!(of(&[("FERROTYPE_OFFLINE", "maybe")]).unwrap_err().to_string().contains("`maybe`"));
        let mirror = |value| of(&[("FERROTYPE_MIRROR", value)]);
        assert_eq!(mirror("https://m.example/a/").unwrap().mirror.unwrap(), "https://m.example/a");
        for wrong in ["m.example", "file:///etc", "https://", "https://m/a?b=c"] {
            assert!(mirror(wrong).unwrap_err().to_string().contains("FERROTYPE_MIRROR"), "{wrong}");
        }
    }

    #[test]
    fn proxies_follow_the_scheme_and_leave_hosts_out() {
        let proxies = of(&[
            ("HTTPS_PROXY", "http://secret:word@p:1"),
            ("ALL_PROXY", "socks5://q:2"),
            ("NO_PROXY", "example.org, .inner,*.deep"),
        ])
        .unwrap()
        .proxies;
        let name = |https, host| proxies.of(https, host).map(|(name, _)| name.as_str());
        assert_eq!(name(true, "github.com"), Some("HTTPS_PROXY"));
        assert_eq!(name(false, "github.com"), Some("ALL_PROXY"));
        for host in ["example.org", "A.Example.org", "x.inner", "y.x.deep"] {
            assert_eq!(name(true, host), None, "{host}");
        }
        assert_eq!(name(true, "notexample.org"), Some("HTTPS_PROXY"));
        assert!(!format!("{proxies:?}").contains("word"));
        assert!(of(&[("HTTPS_PROXY", "http://p"), ("NO_PROXY", "*")]).unwrap().proxies.of(true, "a.b").is_none());
    }
}
