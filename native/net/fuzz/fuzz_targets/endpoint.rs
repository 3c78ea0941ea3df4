//! Any text as an endpoint: refused without what may be a password, or taken apart into what can be put together again.
//! And any text as a Retry-After.
#![no_main]

use std::time::{Duration, SystemTime};

use libfuzzer_sys::fuzz_target;
use spanwire_net::headers::header_map;
use spanwire_net::retry::retry_after;
use spanwire_net::{Alpn, Endpoint, Peer, TlsFiles};

const SECRET: &str = "hunter2";

fuzz_target!(|text: &str| {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let _ = retry_after(text, now);

    let endpoint = match Endpoint::parse(text) {
        Ok(endpoint) => endpoint,
        Err(error) => {
            // What stands in front of the last @ may be a password, what stands behind a question mark a token.
            let rest = text.rsplit('@').next().unwrap_or_default();
            let rest = rest.split(['?', '#']).next().unwrap_or_default();
            assert!(rest.contains(SECRET) || !error.to_string().contains(SECRET), "{error}");
            return;
        }
    };
    assert!(!endpoint.host.is_empty() && endpoint.port != 0, "{endpoint:?}");
    assert!(
        endpoint.target.starts_with('/') && !endpoint.authority.contains('@'),
        "{endpoint:?}"
    );
    assert!(
        !(endpoint.target.clone() + &endpoint.authority).contains(['\r', '\n', ' ']),
        "{endpoint:?}"
    );
    let shown = endpoint.to_string();
    assert!(!shown.contains('?'), "{shown}");
    let again = Endpoint::parse(&shown).expect("what is shown is a URL");
    assert_eq!(
        (again.tls, &again.host, again.port),
        (endpoint.tls, &endpoint.host, endpoint.port)
    );
    if !endpoint.tls {
        let headers = [("x-key".to_owned(), text.as_bytes().to_vec())];
        if let Ok((_, secrets)) = header_map(&headers) {
            let peer =
                Peer::new(endpoint, Alpn::Http1, &TlsFiles::default(), secrets).expect("without TLS nothing can fail");
            // The longest is hidden as a whole.
            let _ = peer.redact(text.to_owned());
        }
    }
});
