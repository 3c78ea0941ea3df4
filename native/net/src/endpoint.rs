//! The URL of a backend.

use std::ffi::OsString;
use std::fmt;
use std::net::Ipv6Addr;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use http::Uri;

use crate::error::ConfigError;
use crate::grpc::percent;

/// A parsed `http://`, `https://` or `http+unix://` URL. User information is not part of it: the caller makes a header of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `https`.
    pub tls: bool,
    /// Name or address; IPv6 without brackets.
    pub host: String,
    /// Port, the scheme's own where none was given.
    pub port: u16,
    /// Value of the `Host` header.
    pub authority: String,
    /// Path and query as they go into the request line; never empty.
    pub target: String,
    /// The socket to connect to in the place of host and port, which are then those of this machine.
    pub unix: Option<PathBuf>,
}

impl Endpoint {
    /// Parses `url`.
    pub fn parse(url: &str) -> Result<Self, ConfigError> {
        let fail = |why: &str| ConfigError::Endpoint {
            shown: shown_in_errors(url),
            why: why.into(),
        };
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| fail("it does not begin with http:// or https://"))?;
        if scheme.eq_ignore_ascii_case("http+unix") {
            return Self::unix(rest).ok_or_else(|| fail(UNIX));
        }
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(fail("only http:// and https:// are spoken here")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        if rest.is_empty() || rest.starts_with(['/', '?', ':']) {
            return Err(fail("it names no host"));
        }
        let uri: Uri = format!("{}://{rest}", if tls { "https" } else { "http" })
            .parse()
            .map_err(|error: http::uri::InvalidUri| fail(&error.to_string()))?;
        let authority = uri.authority().ok_or_else(|| fail("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(fail("user and password belong into an Authorization header"));
        }
        let host = authority.host();
        let behind = authority.as_str().strip_prefix(host).unwrap_or_default();
        if !(behind.is_empty() || behind.starts_with(':')) {
            return Err(fail("something stands between its host and its port"));
        }
        let host = match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
            // Before a zone.
            Some(Some(inner))
                if inner
                    .split('%')
                    .next()
                    .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()) =>
            {
                inner
            }
            None if !host.contains(['[', ']']) => host,
            _ => return Err(fail("brackets belong around an IPv6 address")),
        };
        if host.is_empty() {
            return Err(fail("it names no host"));
        }
        let port = match behind.strip_prefix(':').unwrap_or_default() {
            "" if tls => 443,
            "" => 80,
            digits => digits
                .parse()
                .ok()
                .filter(|&port| port != 0 && !digits.starts_with('+'))
                .ok_or_else(|| fail("its port is not a number from 1 to 65535"))?,
        };
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Ok(Self {
            tls,
            host: host.into(),
            port,
            authority: authority.as_str().trim_end_matches(':').into(),
            target: if target.starts_with('/') {
                target.into()
            } else {
                format!("/{target}")
            },
            unix: None,
        })
    }

    /// Behind `http+unix://`: the path of a socket, percent-encoded as a host is, and the target.
    fn unix(rest: &str) -> Option<Self> {
        let rest = rest.split('#').next().unwrap_or_default();
        let (host, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let path = percent::decode(host.as_bytes());
        if !path.starts_with(b"/") || path.contains(&0) {
            return None;
        }
        let target = if target.starts_with('/') {
            target.to_owned()
        } else {
            format!("/{target}")
        };
        let uri: Uri = target.parse().ok()?;
        Some(Self {
            tls: false,
            host: "localhost".into(),
            port: 80,
            authority: "localhost".into(),
            target: uri.path_and_query()?.as_str().into(),
            unix: Some(OsString::from_vec(path).into()),
        })
    }
}

impl Endpoint {
    /// Scheme, host and port, without a path.
    #[must_use]
    pub fn origin(&self) -> String {
        match &self.unix {
            Some(path) => format!("unix:{}", path.display()),
            None => format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority),
        }
    }
}

/// The name of this destination for people: no query, which may hold a token.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.target.split('?').next().unwrap_or_default();
        let separator = if self.unix.is_some() { ":" } else { "" };
        write!(f, "{}{separator}{path}", self.origin())
    }
}

const UNIX: &str =
    "the path of a socket stands in the place of the host, percent-encoded: http+unix://%2Frun%2Fotlp.sock/v1/traces";

/// `url` without user information, query and fragment.
#[must_use]
pub fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_once("//").unwrap_or(("", url));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let separator = if rest.len() == url.len() { "" } else { "//" };
    format!("{scheme}{separator}{host}{path}")
}

/// A URL that is none: what stands in front of its last `@` may be a password with signs that end the host's part.
fn shown_in_errors(url: &str) -> String {
    let Some((before, rest)) = url.rsplit_once('@') else {
        return without_secrets(url);
    };
    let scheme = ["http://", "https://"]
        .into_iter()
        .find(|scheme| before.starts_with(scheme));
    format!("{}{}", scheme.unwrap_or_default(), without_secrets(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, tls: bool, host: &str, port: u16, authority: &str, target: &str) {
        let expected = Endpoint {
            tls,
            host: host.into(),
            port,
            authority: authority.into(),
            target: target.into(),
            unix: None,
        };
        assert_eq!(Endpoint::parse(url).expect(url), expected, "{url}");
    }

    #[test]
    fn urls_are_taken_apart() {
        check(
            "http://localhost:4318/v1/traces",
            false,
            "localhost",
            4318,
            "localhost:4318",
            "/v1/traces",
        );
        check("https://example.com", true, "example.com", 443, "example.com", "/");
        check("HTTP://Example.com/", false, "Example.com", 80, "Example.com", "/");
        check(
            "http://[::1]:4318/v1/traces",
            false,
            "::1",
            4318,
            "[::1]:4318",
            "/v1/traces",
        );
        check(
            "https://[2001:db8::1]/x",
            true,
            "2001:db8::1",
            443,
            "[2001:db8::1]",
            "/x",
        );
        check(
            "http://[fe80::1%25eth0]/",
            false,
            "fe80::1%25eth0",
            80,
            "[fe80::1%25eth0]",
            "/",
        );
        check("http://h:80/a/b?c=d&e#f", false, "h", 80, "h:80", "/a/b?c=d&e");
        check("http://h?q=1", false, "h", 80, "h", "/?q=1");
        check("http://h:/a", false, "h", 80, "h", "/a");
    }

    #[test]
    fn what_is_no_http_url_is_refused_without_showing_secrets() {
        let bad = [
            "localhost:4318",
            "ftp://h/",
            "unix:///x",
            "http://",
            "http:///v1",
            "http://:80/",
            "http://h:0/",
            "http://h:70000/",
            "http://h:x/",
            "http://h::/",
            "http://h:+80/",
            "http://http:m:::[::2]t:/",
            "http://me:secret@h/x?token=secret",
            "http://me:sec/secret@h/x",
            "http://me:sec?secret@h/x",
            "https://me:sec#secret/@h/x",
            "me:sec/secret@h:4318",
            "",
            "http://a b/",
            "http://h/\u{e9}\u{20ac}\n",
            "https://[::1/",
            // Found by the fuzzer: taken for a host of that name.
            "http://[::1]http:/e/v1",
            "http://[::1]h",
            "http://[h]:1/",
            "http://[]/",
            "http+unix://run/v1",
            "http+unix:///run/v1",
            "http+unix://%2Fa%00b/v1",
            "http+unix://%2Fa/\u{20ac}\n",
        ];
        for url in bad {
            let error = Endpoint::parse(url).expect_err(url).to_string();
            assert!(!error.contains("secret"), "{error}");
            assert!(error.starts_with("the endpoint "), "{error}");
        }
    }

    #[test]
    fn where_a_redirect_leads_is_shown_without_secrets() {
        for (location, shown) in [
            ("https://me:secret@h:1/a?token=secret#secret", "https://h:1/a"),
            ("//me:secret@h/a", "//h/a"),
            ("/a/b?c", "/a/b"),
            ("a@b", "b"),
            ("", ""),
        ] {
            assert_eq!(without_secrets(location), shown);
        }
    }

    #[test]
    fn a_socket_of_this_machine_stands_in_the_place_of_the_host() {
        let endpoint = Endpoint::parse("http+unix://%2Frun%2Fa%20b.sock/v1/traces?x=1").expect("valid");
        assert_eq!(endpoint.unix, Some("/run/a b.sock".into()));
        assert_eq!(
            (endpoint.authority.as_str(), endpoint.target.as_str()),
            ("localhost", "/v1/traces?x=1")
        );
        assert_eq!(endpoint.to_string(), "unix:/run/a b.sock:/v1/traces");
        assert_eq!(endpoint.origin(), "unix:/run/a b.sock");
        assert_eq!(Endpoint::parse("HTTP+UNIX://%2Fx").expect("valid").target, "/");
    }

    #[test]
    fn the_shown_name_has_no_query() {
        let endpoint = Endpoint::parse("https://h:1/a?token=secret").expect("valid");
        assert_eq!(endpoint.to_string(), "https://h:1/a");
    }
}
