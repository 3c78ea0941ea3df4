//! The HTTP proxy that leads to a backend.

use http::HeaderValue;

use crate::endpoint::Endpoint;
use crate::error::ConfigError;
use crate::tls::{self, Alpn, TlsFiles, TlsMaterial};

/// Where to connect to in the place of the backend, and what is said there of who we are.
#[derive(Debug)]
pub struct Proxy {
    pub(crate) endpoint: Endpoint,
    /// The value of `Proxy-Authorization`; marked as sensitive, so that it is shown nowhere.
    pub authorization: Option<HeaderValue>,
    /// Where the proxy itself is `https`.
    pub(crate) tls: Option<TlsMaterial>,
}

impl Proxy {
    /// Of a URL without user and password, which are in `authorization`. TLS files are read only for `https`; the client's certificate
    /// is for the backend and not shown to a proxy.
    pub fn new(url: &str, authorization: Option<&[u8]>, files: &TlsFiles) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::parse(url).map_err(|error| match error {
            ConfigError::Endpoint { shown, why } => refused(shown, &why, url),
            error => error,
        })?;
        let fail = |why: &str| refused(endpoint.origin(), why, url);
        if endpoint.unix.is_some() {
            return Err(fail("it is a socket of this machine"));
        }
        let mut authorization = authorization
            .map(HeaderValue::from_bytes)
            .transpose()
            .map_err(|_| fail("its user or password has control characters"))?;
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        let tls = if endpoint.tls {
            tls::server_name(&endpoint.host)?;
            let files = TlsFiles {
                ca: files.ca.clone(),
                ..TlsFiles::default()
            };
            Some(TlsMaterial::load(&files, Alpn::Http1)?)
        } else {
            None
        };
        Ok(Self {
            endpoint,
            authorization,
            tls,
        })
    }

    /// For people: scheme, host and port.
    #[must_use]
    pub fn name(&self) -> String {
        self.endpoint.origin()
    }
}

fn refused(shown: String, why: &str, url: &str) -> ConfigError {
    let is_socks = url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("socks"));
    ConfigError::Proxy {
        shown,
        why: if is_socks { "SOCKS is not spoken here" } else { why }.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str) -> Result<Proxy, ConfigError> {
        Proxy::new(url, Some(b"Basic aHVudGVyMg=="), &TlsFiles::default())
    }

    #[test]
    fn its_name_and_what_debug_shows_have_no_credentials() {
        let proxy = proxy("http://proxy.example:3128/ignored").expect("valid");
        assert_eq!(proxy.name(), "http://proxy.example:3128");
        assert!(!format!("{proxy:?}").contains("aHVudGVyMg"), "{proxy:?}");
    }

    #[test]
    fn what_is_no_http_proxy_is_refused_in_words() {
        for (url, why) in [
            ("socks5h://proxy:1080", "SOCKS is not spoken here"),
            ("SOCKS4://proxy:1080", "SOCKS is not spoken here"),
            ("ftp://proxy:1", "only http:// and https:// are spoken here"),
            ("http://:3128", "it names no host"),
            ("http://proxy:99999", "its port is not a number"),
            ("http+unix://%2Ftmp%2Fproxy", "it is a socket of this machine"),
        ] {
            let error = proxy(url).expect_err(url).to_string();
            assert!(error.starts_with("the proxy ") && error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_password_with_signs_of_a_url_is_not_shown() {
        let error = proxy("http://me:hun/ter2@proxy:3128")
            .expect_err("malformed")
            .to_string();
        assert!(!error.contains("ter2"), "{error}");
    }
}
