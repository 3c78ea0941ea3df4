//! Everything a client needs to know; immutable, so that a forked child can go on using it.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use http::header::{CONTENT_ENCODING, HOST, HeaderMap, HeaderValue, PROXY_AUTHORIZATION};
use http::uri::PathAndQuery;
use spanwire_net::headers::{header_map, remember_query};
pub use spanwire_net::tls::TlsFiles;
use spanwire_net::{Alpn, Endpoint, FreshHeaders, Peer, Proxy};

use crate::balancer::Strategy;
use crate::error::ConfigError;
use spanwire_net::Compression;
use spanwire_wire::{Protocol, Signal};

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    protocol: Protocol,
    /// Where connections go.
    pub(crate) peer: Peer,
    /// What requests of `signal` are made to: a path; for gRPC and through some proxies a whole URL.
    uri: Uri,
    /// Whose endpoint it is, as it stands.
    signal: Signal,
    headers: HeaderMap,
    compression: Compression,
    /// Of this endpoint, and of all of them.
    endpoint_name: String,
    name: String,
    timeout: Duration,
    /// Of other endpoints that mean the same, and how they are chosen from.
    others: Vec<Arc<Config>>,
    strategy: Strategy,
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const SHORTEST_KEEP_ALIVE: Duration = Duration::from_secs(1);
const LONGEST_KEEP_ALIVE: Duration = Duration::from_secs(300);

impl Config {
    /// Checks everything that can be checked before the first request. TLS files are read only for `https`.
    pub fn new(
        protocol: Protocol,
        endpoint: &str,
        headers: &[(String, Vec<u8>)],
        compression: Compression,
        files: &TlsFiles,
    ) -> Result<Self, ConfigError> {
        let mut endpoint = Endpoint::parse(endpoint)?;
        let (mut headers, mut secrets) = header_map(headers)?;
        remember_query(&mut secrets, &endpoint.target);
        let name = if protocol == Protocol::Grpc {
            // A path has no meaning there.
            endpoint.target = "/".into();
            endpoint.origin()
        } else {
            endpoint.to_string()
        };
        let uri = if protocol == Protocol::Grpc {
            let host = headers.remove(HOST);
            let host = host.as_ref().and_then(|host| host.to_str().ok());
            Uri::builder()
                .scheme(if endpoint.tls { "https" } else { "http" })
                .authority(host.unwrap_or(&endpoint.authority))
                .path_and_query(endpoint.target.as_str())
                .build()
                .map_err(|_| invalid_host(&endpoint))?
        } else {
            if !headers.contains_key(HOST) {
                let host = HeaderValue::from_str(&endpoint.authority).map_err(|_| invalid_host(&endpoint))?;
                headers.insert(HOST, host);
            }
            if let Some(encoding) = compression.content_encoding()
                && !headers.contains_key(CONTENT_ENCODING)
            {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            // Checked when the endpoint was parsed.
            endpoint.target.parse().unwrap_or_default()
        };
        let alpn = match protocol {
            Protocol::Grpc => Alpn::Http2,
            Protocol::HttpJson | Protocol::HttpProtobuf => Alpn::Http1,
        };
        Ok(Self {
            protocol,
            peer: Peer::new(endpoint, alpn, files, secrets)?,
            uri,
            signal: Signal::Traces,
            headers,
            compression,
            endpoint_name: name.clone(),
            name,
            timeout: DEFAULT_TIMEOUT,
            others: Vec::new(),
            strategy: Strategy::default(),
        })
    }

    /// The same, with an endpoint for requests of `signal`; without this it is one for traces.
    #[must_use]
    pub fn with_signal(mut self, signal: Signal) -> Self {
        self.signal = signal;
        self
    }

    /// What requests of `signal` are made to. An endpoint is used as it stands for its own signal; for another one the usual path takes the
    /// place of its signal's usual path, if it ends in that.
    pub(crate) fn target(&self, signal: Signal) -> Uri {
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = if self.protocol == Protocol::Grpc {
            Some(PathAndQuery::from_static(signal.method()))
        } else if signal == self.signal {
            return self.uri.clone();
        } else {
            moved(self.uri.path_and_query(), self.signal, signal)
        };
        // Scheme and authority, where they are there, make a whole with any path.
        Uri::from_parts(parts).unwrap_or_else(|_| self.uri.clone())
    }

    /// The same through a proxy: connections go to it, and `http` requests name their whole URL there. A socket of this machine has none.
    pub fn with_proxy(mut self, proxy: Proxy) -> Result<Self, ConfigError> {
        self.peer.set_proxy(proxy);
        if self.peer.is_forwarded() {
            let endpoint = self.peer.endpoint();
            self.uri = Uri::builder()
                .scheme("http")
                .authority(endpoint.authority.as_str())
                .path_and_query(endpoint.target.as_str())
                .build()
                .map_err(|_| invalid_host(endpoint))?;
            let authorization = self.peer.proxy().and_then(|proxy| proxy.authorization.clone());
            if let Some(authorization) = authorization {
                self.headers.insert(PROXY_AUTHORIZATION, authorization);
            }
        }
        Ok(self)
    }

    /// The same destination at several endpoints, one of which each request goes to. Packed for one, a request suits all: they have the
    /// same protocol and compression.
    #[must_use]
    pub fn with_others(mut self, others: Vec<Self>, strategy: Strategy) -> Self {
        self.others = others.into_iter().map(Arc::new).collect();
        self.strategy = strategy;
        for other in &self.others {
            self.name = format!("{}, {}", self.name, other.name);
        }
        self
    }

    /// The configurations of its other endpoints.
    #[must_use]
    pub fn others(&self) -> &[Arc<Self>] {
        &self.others
    }

    /// How one of several endpoints is chosen.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// The same with these headers beside those that do not change; nothing is sent before there are some.
    #[must_use]
    pub fn with_fresh_headers(mut self, fresh: Arc<FreshHeaders>) -> Self {
        self.peer.set_fresh_headers(fresh);
        self
    }

    /// The headers of a request that is made now.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        if let Some(fresh) = self.peer.fresh() {
            fresh.add_to(&mut headers);
        }
        headers
    }

    /// The same for requests that have so much time, by which a connection is found to be dead.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// After how much silence the peer of a call is asked whether it lives. Twice a call at most: servers count pings, and go-grpc's
    /// gives up a client that sends a fourth without having got anything.
    pub(crate) fn keep_alive(&self) -> Duration {
        self.timeout.mul_f64(0.4).clamp(SHORTEST_KEEP_ALIVE, LONGEST_KEEP_ALIVE)
    }

    /// How requests are written and carried.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// How bodies are compressed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Whether the endpoint is on this machine: an answer takes no time on the way.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.peer.is_local() && self.others.iter().all(|other| other.is_local())
    }

    /// The name of this endpoint alone.
    #[must_use]
    pub fn endpoint_name(&self) -> &str {
        &self.endpoint_name
    }

    /// The destination's name for people and for statistics.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl AsRef<Peer> for Config {
    fn as_ref(&self) -> &Peer {
        &self.peer
    }
}

/// The same path and query with the usual path of another signal, if it has that of this one.
fn moved(target: Option<&PathAndQuery>, from: Signal, to: Signal) -> Option<PathAndQuery> {
    let target = target?;
    let path = target.path();
    let (path, slash) = path.strip_suffix('/').map_or((path, ""), |path| (path, "/"));
    let Some(base) = path.strip_suffix(from.path()) else {
        return Some(target.clone());
    };
    let query = target.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{base}{}{slash}{query}", to.path()).parse().ok()
}

fn invalid_host(endpoint: &Endpoint) -> ConfigError {
    let error = spanwire_net::ConfigError::Endpoint {
        shown: endpoint.to_string(),
        why: "its host is not valid".into(),
    };
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(headers: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect();
        Config::new(
            Protocol::HttpProtobuf,
            "http://h:1/",
            &headers,
            Compression::Gzip,
            &TlsFiles::default(),
        )
    }

    #[test]
    fn through_a_proxy_only_plain_http_names_its_whole_url() {
        let through = |protocol, endpoint| {
            let files = TlsFiles::default();
            let proxy = Proxy::new("http://127.0.0.1:3128", Some(b"Basic aHVudGVyMg=="), &files).expect("valid");
            Config::new(protocol, endpoint, &[], Compression::None, &files)
                .and_then(|config| config.with_proxy(proxy))
                .expect("valid")
        };
        let plain = through(Protocol::HttpJson, "http://localhost:4318/v1/traces?a=b");
        assert_eq!(plain.uri, "http://localhost:4318/v1/traces?a=b");
        assert_eq!(plain.headers["proxy-authorization"], "Basic aHVudGVyMg==");
        assert_eq!(plain.headers["host"], "localhost:4318");
        assert!(!plain.is_local());
        assert_eq!(plain.peer.redact("no aHVudGVyMg==".into()), "no ***");
        assert_eq!(plain.name(), "http://localhost:4318/v1/traces");
        for (protocol, endpoint) in [
            (Protocol::HttpProtobuf, "https://h/v1/traces"),
            (Protocol::Grpc, "http://h:4317"),
            (Protocol::HttpProtobuf, "http+unix://%2Frun%2Fs/v1/traces"),
        ] {
            let config = through(protocol, endpoint);
            assert!(
                !config.peer.is_forwarded() && !config.headers.contains_key("proxy-authorization"),
                "{endpoint}"
            );
        }
    }

    #[test]
    fn an_endpoint_is_for_its_own_signal_as_it_stands_and_for_others_by_their_usual_path() {
        let target = |protocol, endpoint, own, signal| {
            let config = Config::new(protocol, endpoint, &[], Compression::None, &TlsFiles::default());
            config.expect("valid").with_signal(own).target(signal).to_string()
        };
        let (http, json) = (Protocol::HttpProtobuf, Protocol::HttpJson);
        for (protocol, endpoint, own, signal, expected) in [
            (
                http,
                "http://h:1/v1/traces",
                Signal::Traces,
                Signal::Traces,
                "/v1/traces",
            ),
            (http, "http://h:1/v1/traces", Signal::Traces, Signal::Logs, "/v1/logs"),
            (http, "http://h:1/v1/traces/", Signal::Traces, Signal::Logs, "/v1/logs/"),
            (http, "http://h:1/", Signal::Traces, Signal::Logs, "/"),
            (
                json,
                "http://h:1/a/v1/logs?k=v",
                Signal::Logs,
                Signal::Metrics,
                "/a/v1/metrics?k=v",
            ),
            (
                http,
                "http://h:1/v1/traces",
                Signal::Traces,
                Signal::Profiles,
                "/v1development/profiles",
            ),
            // What somebody chose otherwise stands.
            (http, "http://h:1/v1/traces", Signal::Logs, Signal::Logs, "/v1/traces"),
            (
                http,
                "http://h:1/v1/traces",
                Signal::Logs,
                Signal::Metrics,
                "/v1/traces",
            ),
            (http, "http://h:1/custom", Signal::Traces, Signal::Logs, "/custom"),
            (http, "http://h:1/", Signal::Traces, Signal::Logs, "/"),
        ] {
            assert_eq!(target(protocol, endpoint, own, signal), expected, "{endpoint}");
        }
        for signal in Signal::ALL {
            let whole = format!("http://h:1{}", signal.method());
            assert_eq!(target(Protocol::Grpc, "http://h:1", Signal::Traces, signal), whole);
        }
        let proxy = Proxy::new("http://127.0.0.1:3128", None, &TlsFiles::default()).expect("valid");
        let config = Config::new(
            http,
            "http://h:1/v1/traces",
            &[],
            Compression::None,
            &TlsFiles::default(),
        );
        let config = config.and_then(|config| config.with_proxy(proxy)).expect("valid");
        assert_eq!(config.target(Signal::Metrics), "http://h:1/v1/metrics");
    }

    #[test]
    fn host_and_content_encoding_are_added_unless_given() {
        let plain = config(&[]).expect("valid");
        assert_eq!(plain.headers["host"], "h:1");
        assert_eq!(plain.headers["content-encoding"], "gzip");
        let own = config(&[("Host", "virtual"), ("Content-Encoding", "br")]).expect("valid");
        assert_eq!(
            (&own.headers["host"], &own.headers["content-encoding"]),
            (&"virtual".parse().expect("valid"), &"br".parse().expect("valid"))
        );
    }

    #[test]
    fn a_bad_header_is_named_but_its_value_is_not_shown() {
        for (name, value) in [
            ("x-key", "secret\nx: y"),
            ("a b", "secret"),
            ("content-length", "secret"),
            ("", "secret"),
        ] {
            let error = config(&[(name, value)]).expect_err("bad header").to_string();
            assert!(
                error.contains(&format!("{name:?}")) && !error.contains("secret"),
                "{error}"
            );
        }
    }

    #[test]
    fn what_a_server_echoes_of_our_headers_is_hidden() {
        let config = config(&[("authorization", "Bearer abcdef"), ("x-key", "hunter2")]).expect("valid");
        assert_eq!(
            config.peer.redact("bad key hunter2 and token abcdef".into()),
            "bad key *** and token ***"
        );
    }

    #[test]
    fn values_in_the_query_are_hidden_as_sent_and_decoded() {
        let files = TlsFiles::default();
        let config = Config::new(
            Protocol::HttpProtobuf,
            "http://h/?a=%68unter2%&b=x&c",
            &[],
            Compression::None,
            &files,
        )
        .expect("valid");
        assert_eq!(
            config.peer.redact("no /?a=%68unter2%&b=x&c: hunter2% x c".into()),
            "no /?a=***&b=x&c: *** x c"
        );
    }
}
