//! TLS: which certificates to trust and which to show.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::config::TlsFiles;
use crate::error::ConfigError;
use crate::protocol::Protocol;

/// Parsed certificates and keys.
///
/// Immutable: a [`ClientConfig`] holds locks (its session cache) that a fork may catch in another thread's hands, so each
/// process makes its own from this.
pub struct TlsMaterial {
    roots: Arc<RootCertStore>,
    client: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    protocol: Protocol,
    files: TlsFiles,
    /// Of the files as they were read.
    stamps: Stamps,
}

impl TlsMaterial {
    /// Reads and checks the files.
    pub fn load(files: &TlsFiles, protocol: Protocol) -> Result<Self, ConfigError> {
        refuse_texts(files)?;
        let stamps = Stamps::of(files); // before they are read: what changes meanwhile is seen as a change
        let roots = match &files.ca {
            Some(path) => Arc::new(roots_from(path)?),
            None => system_roots()?,
        };
        let client = match &files.cert {
            Some(cert) => Some((certificates(cert)?, private_key(files.key.as_ref().unwrap_or(cert))?)),
            None => None,
        };
        let material = Self {
            roots,
            client,
            protocol,
            files: files.clone(),
            stamps,
        };
        material.client_config()?;
        Ok(material)
    }

    /// A fresh configuration, with locks and a session cache of its own.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, ConfigError> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| ConfigError::Tls(error.to_string()))?
            .with_root_certificates(Arc::clone(&self.roots));
        let mut config = match &self.client {
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| ConfigError::ClientPair(error.to_string()))?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![match self.protocol {
            Protocol::Grpc => b"h2".to_vec(),
            Protocol::HttpJson | Protocol::HttpProtobuf => b"http/1.1".to_vec(),
        }];
        config.resumption = Resumption::in_memory_sessions(8);
        Ok(Arc::new(config))
    }
}

/// When files were written last, which they are, and how long: what is renewed differs in one of these.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Stamps(Vec<Option<(i64, i64, u64, u64)>>);

impl Stamps {
    fn of(files: &TlsFiles) -> Self {
        let mut stamps = Vec::new();
        for path in [&files.ca, &files.cert, &files.key].into_iter().flatten() {
            let seen = path.metadata().ok();
            let is_folder = seen.as_ref().is_some_and(std::fs::Metadata::is_dir);
            stamps.push(seen.as_ref().map(stamp));
            if is_folder {
                // Names in it may lead to files that are written anew.
                let entries = path.read_dir().into_iter().flatten().flatten();
                let mut inside: Vec<_> = entries
                    .map(|entry| entry.path().metadata().ok().as_ref().map(stamp))
                    .collect();
                inside.sort_unstable();
                stamps.append(&mut inside);
            }
        }
        Self(stamps)
    }
}

fn stamp(seen: &std::fs::Metadata) -> (i64, i64, u64, u64) {
    (seen.mtime(), seen.mtime_nsec(), seen.ino(), seen.size())
}

/// The configuration of connections to come, made again when a file of it has changed. Belongs to one process.
pub struct Renewed {
    stamps: Stamps,
    config: Arc<ClientConfig>,
}

impl TlsMaterial {
    /// What the next connection is made with. Files that have changed and cannot be used (half of them is written) leave it as it is, and are
    /// looked at again by the next one.
    pub fn renewed(&self, kept: &mut Option<Renewed>) -> Result<Arc<ClientConfig>, ConfigError> {
        let now = Stamps::of(&self.files);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.stamps == now) {
            return Ok(Arc::clone(&kept.config));
        }
        let fresh = if now == self.stamps {
            self.client_config().map(|config| (now, config))
        } else {
            Self::load(&self.files, self.protocol).and_then(|material| {
                let config = material.client_config()?;
                Ok((material.stamps, config))
            })
        };
        match (fresh, kept.as_ref()) {
            (Ok((stamps, config)), _) => {
                *kept = Some(Renewed {
                    stamps,
                    config: Arc::clone(&config),
                });
                Ok(config)
            }
            (Err(_), Some(kept)) => Ok(Arc::clone(&kept.config)),
            (Err(_), None) => self.client_config(),
        }
    }
}

/// Keys are never shown.
impl std::fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsMaterial")
            .field("roots", &self.roots.len())
            .field("client", &self.client.is_some())
            .field("protocol", &self.protocol)
            .field("files", &self.files)
            .field("stamps", &self.stamps)
            .finish()
    }
}

/// The name that the server's certificate must have: DNS name or IP address.
pub fn server_name(host: &str) -> Result<ServerName<'static>, ConfigError> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| ConfigError::Tls(format!("{host:?} is not a host name that a certificate can have")))
}

/// A key itself where the path of its file is wanted, as happens with secrets in variables: it must be in no error.
fn refuse_texts(files: &TlsFiles) -> Result<(), ConfigError> {
    let pem_file = |path: &Option<PathBuf>| match path {
        Some(path) if is_text(path) => Err(ConfigError::PemFile {
            path: "(the text of a PEM file)".into(),
            why: "the path of the file is wanted, not its text".into(),
        }),
        _ => Ok(()),
    };
    pem_file(&files.ca)?;
    pem_file(&files.cert)?;
    match &files.key {
        Some(path) if is_text(path) => Err(ConfigError::ClientKey(
            "the text of a PEM file is given where its path is wanted".into(),
        )),
        _ => Ok(()),
    }
}

/// Whether this is a PEM's text, or that in base64, and no path.
fn is_text(path: &Path) -> bool {
    let shown = path.to_string_lossy();
    let is_like_one = shown.contains(['\n', '\r']) || shown.contains("-----BEGIN") || shown.contains("LS0tLS1CRUdJTi");
    is_like_one && !path.exists()
}

fn roots_from(path: &Path) -> Result<RootCertStore, ConfigError> {
    let (file, directory) = if path.is_dir() {
        (None, Some(path))
    } else {
        (Some(path), None)
    };
    let found = rustls_native_certs::load_certs_from_paths(file, directory);
    if found.certs.is_empty() {
        let why = found
            .errors
            .first()
            .map_or_else(|| "it holds no certificate".into(), ToString::to_string);
        return Err(ConfigError::PemFile { path: path.into(), why });
    }
    let mut roots = RootCertStore::empty();
    for cert in found.certs {
        roots.add(cert).map_err(|error| ConfigError::PemFile {
            path: path.into(),
            why: error.to_string(),
        })?;
    }
    Ok(roots)
}

/// The system's roots, kept while a client uses them: finding and parsing them takes several milliseconds.
fn system_roots() -> Result<Arc<RootCertStore>, ConfigError> {
    // Only tried, never waited for: a fork may have caught it locked.
    static KEPT: Mutex<std::sync::Weak<RootCertStore>> = Mutex::new(std::sync::Weak::new());
    if let Ok(kept) = KEPT.try_lock()
        && let Some(roots) = kept.upgrade()
    {
        return Ok(roots);
    }
    let mut roots = RootCertStore::empty();
    // Some systems carry certificates that rustls refuses; the others are good.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(ConfigError::NoRoots);
    }
    let roots = Arc::new(roots);
    if let Ok(mut kept) = KEPT.try_lock() {
        *kept = Arc::downgrade(&roots);
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let fail = |why: String| ConfigError::PemFile { path: path.into(), why };
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fail(error.to_string()))?;
    if chain.is_empty() {
        Err(fail("it holds no certificate".into()))
    } else {
        Ok(chain)
    }
}

fn private_key(path: &PathBuf) -> Result<PrivateKeyDer<'static>, ConfigError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| {
        let encrypted = std::fs::read_to_string(path).is_ok_and(|text| text.contains("ENCRYPTED"));
        let why = if encrypted {
            "it is encrypted, which is not supported; decrypt it".into()
        } else {
            error.to_string()
        };
        ConfigError::ClientKey(format!("{}: {why}", path.display()))
    })
}
