//! The server's side of TLS, from PEM texts.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsIdentity;
use crate::error::StartError;

/// A rustls configuration that agrees on one of `protocols` (ALPN); clients must show a certificate if `client_ca` is given.
pub(crate) fn server_config(identity: &TlsIdentity, protocols: &[&[u8]]) -> Result<Arc<ServerConfig>, StartError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = certificates("certificate", &identity.certificate_chain)?;
    let key = PrivateKeyDer::from_pem_slice(&identity.private_key)
        .map_err(|error| StartError::Tls(format!("no private key in the key's PEM text: {error}")))?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| StartError::Tls(error.to_string()))?;
    let builder = match &identity.client_ca {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates("client CA", pem)? {
                roots
                    .add(certificate)
                    .map_err(|error| StartError::Tls(format!("client CA: {error}")))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| StartError::Tls(format!("client CA: {error}")))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| StartError::Tls(error.to_string()))?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

fn certificates(what: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, StartError> {
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| StartError::Tls(format!("{what}: {error}")))?;
    if found.is_empty() {
        return Err(StartError::Tls(format!("{what}: no certificate in the PEM text")));
    }
    Ok(found)
}
