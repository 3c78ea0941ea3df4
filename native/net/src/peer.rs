//! [`Peer`]: what connections are opened to and how, with the secrets that no message may show.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::PROXY_AUTHORIZATION;

use crate::endpoint::Endpoint;
use crate::error::ConfigError;
use crate::fresh::FreshHeaders;
use crate::headers::{longest_first, remember_secret};
use crate::proxy::Proxy;
use crate::tls::{self, Alpn, TlsFiles, TlsMaterial};

/// A checked peer; immutable once it is used, so that a forked child can go on using it.
#[derive(Debug)]
pub struct Peer {
    pub(crate) endpoint: Endpoint,
    alpn: Alpn,
    pub(crate) tls: Option<TlsMaterial>,
    pub(crate) proxy: Option<Proxy>,
    /// Headers that change, if some do: their values are secrets, too.
    fresh: Option<Arc<FreshHeaders>>,
    secrets: Vec<String>,
}

impl Peer {
    /// At that endpoint. TLS files are read only for `https`. [`redact`](Self::redact) hides `secrets`.
    pub fn new(
        endpoint: Endpoint,
        alpn: Alpn,
        files: &TlsFiles,
        mut secrets: Vec<String>,
    ) -> Result<Self, ConfigError> {
        let tls = if endpoint.tls {
            tls::server_name(&endpoint.host)?;
            Some(TlsMaterial::load(files, alpn)?)
        } else {
            None
        };
        longest_first(&mut secrets);
        Ok(Self {
            endpoint,
            alpn,
            tls,
            proxy: None,
            fresh: None,
            secrets,
        })
    }

    /// Puts a proxy in front: connections go to it. A socket of this machine has none.
    pub fn set_proxy(&mut self, proxy: Proxy) {
        if self.endpoint.unix.is_some() {
            return;
        }
        if let Some(authorization) = &proxy.authorization {
            remember_secret(&mut self.secrets, &PROXY_AUTHORIZATION, authorization);
            longest_first(&mut self.secrets);
        }
        self.proxy = Some(proxy);
    }

    /// Adds headers that change.
    pub fn set_fresh_headers(&mut self, fresh: Arc<FreshHeaders>) {
        self.fresh = Some(fresh);
    }

    /// Where it is.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The proxy in front of it.
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Headers that change, if some do.
    #[must_use]
    pub fn fresh(&self) -> Option<&FreshHeaders> {
        self.fresh.as_deref()
    }

    /// Whether a proxy reads the requests and passes them on, rather than opening a tunnel: each must name its whole URL.
    #[must_use]
    pub fn is_forwarded(&self) -> bool {
        self.proxy.is_some() && !self.endpoint.tls && self.alpn == Alpn::Http1
    }

    /// Whether the endpoint is on this machine: an answer takes no time on the way.
    #[must_use]
    pub fn is_local(&self) -> bool {
        // What a proxy reaches is not, though the proxy may be.
        self.proxy.is_none() && is_loopback(&self.endpoint.host)
    }

    /// `text`, which a server may have made of our headers or our URL, without their secrets.
    #[must_use]
    pub fn redact(&self, text: String) -> String {
        let fresh = self.fresh.as_ref().map(|fresh| fresh.secrets()).unwrap_or_default();
        let mut secrets: Vec<&String> = self.secrets.iter().chain(&fresh).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.into_iter().fold(text, |text, secret| {
            if text.contains(secret) {
                text.replace(secret, "***")
            } else {
                text
            }
        })
    }
}

impl AsRef<Self> for Peer {
    fn as_ref(&self) -> &Self {
        self
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(url: &str, secrets: &[&str]) -> Peer {
        let endpoint = Endpoint::parse(url).expect("valid");
        let secrets = secrets.iter().map(|&secret| secret.to_owned()).collect();
        Peer::new(endpoint, Alpn::Http1, &TlsFiles::default(), secrets).expect("valid")
    }

    #[test]
    fn an_endpoint_on_this_machine_is_known() {
        for endpoint in [
            "http://LOCALHOST:1/",
            "http://127.0.0.9/",
            "http://[::1]:4318/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert!(peer(endpoint, &[]).is_local(), "{endpoint}");
        }
        for endpoint in [
            "http://collector/",
            "http://10.0.0.1/",
            "http://localhost.example/",
            "http://[::2]/",
        ] {
            assert!(!peer(endpoint, &[]).is_local(), "{endpoint}");
        }
    }

    #[test]
    fn the_longer_of_two_secrets_is_hidden_first_whichever_was_given_first() {
        for secrets in [["hunter", "hunter2"], ["hunter2", "hunter"]] {
            assert_eq!(peer("http://h/", &secrets).redact("a hunter2".into()), "a ***");
        }
    }
}
