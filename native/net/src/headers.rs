//! Headers and queries that users give, checked, and the secrets among them.

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};

use crate::error::ConfigError;
use crate::grpc::percent;

/// Since one may be a part of another.
pub fn longest_first(secrets: &mut [String]) {
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
}

/// Checked headers, and the secrets among their values.
pub fn header_map(headers: &[(String, Vec<u8>)]) -> Result<(HeaderMap, Vec<String>), ConfigError> {
    let mut map = HeaderMap::with_capacity(headers.len() + 4);
    let mut secrets = Vec::new();
    for (name, value) in headers {
        let fail = |why| ConfigError::Header {
            name: name.clone(),
            why,
        };
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| fail("its name has characters that HTTP does not allow"))?;
        // These are hyper's to set: a wrong one would break the framing of the connection.
        if key == CONTENT_LENGTH || key == TRANSFER_ENCODING {
            return Err(fail("it is set for each request: leave it out"));
        }
        let value = HeaderValue::from_bytes(value).map_err(|_| fail("its value has control characters"))?;
        remember_secret(&mut secrets, &key, &value);
        map.insert(key, value);
    }
    Ok((map, secrets))
}

/// Values of headers that everyone has are no secrets; short ones would redact everything.
pub fn remember_secret(secrets: &mut Vec<String>, name: &HeaderName, value: &HeaderValue) {
    let public = [
        "content-type",
        "user-agent",
        "content-encoding",
        "accept",
        "host",
        "connection",
    ];
    let Ok(value) = value.to_str() else { return };
    if public.contains(&name.as_str()) {
        return;
    }
    // Also the token of "Bearer <token>".
    secrets.extend(
        [value]
            .into_iter()
            .chain(value.split_whitespace().skip(1))
            .filter(|part| part.len() >= 4)
            .map(str::to_owned),
    );
}

/// What stands in the query of a URL is often a token; servers show URLs, as sent and decoded.
pub fn remember_query(secrets: &mut Vec<String>, target: &str) {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let values = query.split('&').filter_map(|pair| pair.split_once('=')?.1.into());
    secrets.extend(
        values
            .flat_map(|value: &str| {
                [
                    value.to_owned(),
                    String::from_utf8_lossy(&percent::decode(value.as_bytes())).into_owned(),
                ]
            })
            .filter(|value| value.len() >= 4),
    );
}
