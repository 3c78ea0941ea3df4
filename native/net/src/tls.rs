//! TLS: which certificates to trust and which to show.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::error::ConfigError;
use crate::trouble::Lasting;

/// The version of HTTP that TLS offers to the server (RFC 7301): exactly one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Alpn {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Alpn {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// Files for TLS.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// CA certificates to trust instead of the system's: a PEM file, or a directory of them.
    pub ca: Option<PathBuf>,
    /// The client's certificate chain.
    pub cert: Option<PathBuf>,
    /// Its key; without one, the certificate's file holds it.
    pub key: Option<PathBuf>,
}

/// Parsed certificates and keys.
///
/// Immutable: a [`ClientConfig`] holds locks (its session cache) that a fork may catch in another thread's hands, so each
/// process makes its own from this.
pub struct TlsMaterial {
    roots: Arc<RootCertStore>,
    client: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    alpn: Alpn,
    files: TlsFiles,
    /// Of the files as they were read.
    stamps: Stamps,
    /// What could not be read of the file of the authorities, if others could.
    broken: Option<ConfigError>,
}

impl TlsMaterial {
    /// Reads and checks the files.
    pub fn load(files: &TlsFiles, alpn: Alpn) -> Result<Self, ConfigError> {
        refuse_texts(files)?;
        let stamps = Stamps::of(files); // before they are read: what changes meanwhile is seen as a change
        let (roots, broken) = match &files.ca {
            Some(path) => {
                let (roots, broken) = roots_from(path)?;
                (Arc::new(roots), broken)
            }
            None => (system_roots()?, None),
        };
        let client = match &files.cert {
            Some(cert) => Some((certificates(cert)?, private_key(files.key.as_ref().unwrap_or(cert))?)),
            None => None,
        };
        let material = Self {
            roots,
            client,
            alpn,
            files: files.clone(),
            stamps,
            broken,
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
                .map_err(|error| self.do_not_fit(&error))?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![self.alpn.name().to_vec()];
        config.resumption = Resumption::in_memory_sessions(8);
        Ok(Arc::new(config))
    }

    fn do_not_fit(&self, error: &rustls::Error) -> ConfigError {
        let names: Vec<_> = [&self.files.cert, &self.files.key]
            .into_iter()
            .flatten()
            .map(|path| format!("{}", path.display()))
            .collect();
        ConfigError::ClientPair(format!("{} ({error})", names.join(" and ")))
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
struct Renewed {
    stamps: Stamps,
    config: Arc<ClientConfig>,
}

/// What one process keeps of a [`TlsMaterial`] between its connections.
#[derive(Default)]
pub struct Kept {
    renewed: Option<Renewed>,
    /// Files have changed and cannot be used.
    unusable: Lasting,
}

impl Kept {
    /// What people must hear of the files, which are looked at again before.
    pub fn trouble(&mut self, material: &TlsMaterial) -> Option<String> {
        if self.unusable.is_due() {
            let _ = material.renewed(self); // the next connection meets the error, if there is one
        }
        self.unusable.take()
    }
}

impl TlsMaterial {
    /// What the next connection is made with. Files that have changed and cannot be used (half of them is written) leave it as it is, are
    /// looked at again by the next one, and are told of.
    pub fn renewed(&self, kept: &mut Kept) -> Result<Arc<ClientConfig>, ConfigError> {
        let now = Stamps::of(&self.files);
        if let Some(renewed) = kept.renewed.as_ref().filter(|renewed| renewed.stamps == now) {
            kept.unusable.clear(); // they are again what they were
            return Ok(Arc::clone(&renewed.config));
        }
        let fresh = if now == self.stamps {
            self.client_config().map(|config| (now, config))
        } else {
            self.read_again()
        };
        match fresh {
            Ok((stamps, config)) => {
                kept.unusable.clear();
                kept.renewed = Some(Renewed {
                    stamps,
                    config: Arc::clone(&config),
                });
                Ok(config)
            }
            Err(error) => {
                kept.unusable.note(unusable(&error));
                let renewed = kept.renewed.as_ref();
                renewed.map_or_else(|| self.client_config(), |renewed| Ok(Arc::clone(&renewed.config)))
            }
        }
    }

    /// The files as they are now; all of them, where all could be read at first: a file may be half written.
    fn read_again(&self) -> Result<(Stamps, Arc<ClientConfig>), ConfigError> {
        let material = Self::load(&self.files, self.alpn)?;
        match material.broken {
            Some(error) if self.broken.is_none() => Err(error),
            _ => Ok((material.stamps.clone(), material.client_config()?)),
        }
    }
}

fn unusable(error: &ConfigError) -> String {
    format!(
        "a renewed file cannot be used: {error}. Connections are made with what was read before, and each looks again: replace the file as a whole"
    )
}

/// Keys are never shown.
impl std::fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsMaterial")
            .field("roots", &self.roots.len())
            .field("client", &self.client.is_some())
            .field("alpn", &self.alpn)
            .field("files", &self.files)
            .field("stamps", &self.stamps)
            .field("broken", &self.broken)
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

/// The certificates in a file or a directory, and what could not be read of a file.
fn roots_from(path: &Path) -> Result<(RootCertStore, Option<ConfigError>), ConfigError> {
    let fail = |why: String| ConfigError::PemFile { path: path.into(), why };
    let (file, directory) = if path.is_dir() {
        (None, Some(path))
    } else {
        (Some(path), None)
    };
    let found = rustls_native_certs::load_certs_from_paths(file, directory);
    let error = found.errors.first().map(|error| match &error.kind {
        rustls_native_certs::ErrorKind::Pem(broken) => in_words(broken),
        _ => error.to_string(),
    });
    if found.certs.is_empty() {
        return Err(fail(error.unwrap_or_else(|| "it holds no certificate".into())));
    }
    let mut roots = RootCertStore::empty();
    for cert in found.certs {
        roots.add(cert).map_err(|error| fail(error.to_string()))?;
    }
    // A directory has other files, too.
    let broken = error.filter(|_| directory.is_none()).map(fail);
    Ok((roots, broken))
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
        .map_err(|error| fail(in_words(&error)))?;
    if chain.is_empty() {
        Err(fail("it holds no certificate".into()))
    } else {
        Ok(chain)
    }
}

/// What is wrong with a PEM file; the library shows the section's name as numbers.
fn in_words(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => {
            "it ends within a section, as if only a part of it had been written".into()
        }
        _ => error.to_string(),
    }
}

fn private_key(path: &PathBuf) -> Result<PrivateKeyDer<'static>, ConfigError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| {
        let encrypted = std::fs::read_to_string(path).is_ok_and(|text| text.contains("ENCRYPTED"));
        let why = if encrypted {
            "it is encrypted, which is not supported; decrypt it".into()
        } else {
            in_words(&error)
        };
        ConfigError::ClientKey(format!("{}: {why}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    /// An authority of tests, for nothing else.
    const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIByDCCAW+gAwIBAgIUI5pqSoBeqTVTIWcHtUWZSr8VyVIwCgYIKoZIzj0EAwIw
QDEXMBUGA1UECgwOdHJ1c3RtZSB2MS4yLjExJTAjBgNVBAsMHFRlc3RpbmcgQ0Eg
I3BrczdQR2ZlZUlwNXktajUwIBcNMDAwMTAxMDAwMDAwWhgPMzAwMDAxMDEwMDAw
MDBaMEAxFzAVBgNVBAoMDnRydXN0bWUgdjEuMi4xMSUwIwYDVQQLDBxUZXN0aW5n
IENBICNwa3M3UEdmZWVJcDV5LWo1MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
cBA4zWt1RT2jWa3O1YKD1rt1WpoAXZBY5Yc16vrGJJ5wVt5cWhPcaOxSZLGYqXpK
H2For+zhc3aCXQgZcCiRE6NFMEMwHQYDVR0OBBYEFLyRmrkPLGLKb3P4ujiTIQv/
1yX3MBIGA1UdEwEB/wQIMAYBAf8CAQkwDgYDVR0PAQH/BAQDAgGGMAoGCCqGSM49
BAMCA0cAMEQCICWkAvicD19Vsgx7UZ8n5G4hvLUTzgFGs2kBMitAahuzAiB9Dyxv
lA7dsvk6WslPltEfLyqBEIDfooQh+V7VgT2O5A==
-----END CERTIFICATE-----
";

    #[test]
    fn a_file_that_cannot_be_used_is_told_each_minute_and_no_more_when_it_is_good_again_without_a_connection() {
        let path = std::env::temp_dir().join(format!("spanwire-renewed-{}.pem", std::process::id()));
        let write = |text: &str| fs::write(&path, text).expect("written");
        write(AUTHORITY);
        let files = TlsFiles {
            ca: Some(path.clone()),
            ..TlsFiles::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("runtime");
        runtime.block_on(async {
            let minute = || tokio::time::advance(Duration::from_secs(60));
            let material = TlsMaterial::load(&files, Alpn::Http2).expect("valid");
            let mut kept = Kept::default();
            let before = material.renewed(&mut kept).expect("made");
            assert_eq!(kept.trouble(&material), None);
            // A whole one, and the beginning of another.
            write(&format!("{AUTHORITY}{}", &AUTHORITY[..200]));
            assert_eq!(kept.trouble(&material), None); // nobody has looked
            assert!(Arc::ptr_eq(
                &before,
                &material.renewed(&mut kept).expect("the one before")
            ));
            for _ in 0..2 {
                let told = kept.trouble(&material).expect("told");
                assert!(
                    told.contains("ends within a section") && told.contains("spanwire-renewed-"),
                    "{told}"
                );
                assert_eq!(kept.trouble(&material), None);
                minute().await;
            }
            write(&format!("{AUTHORITY}{AUTHORITY}"));
            assert_eq!(kept.trouble(&material), None);
            assert!(!Arc::ptr_eq(
                &before,
                &material.renewed(&mut kept).expect("the new one")
            ));
            // What was broken from the beginning may stay so.
            write(&format!("{AUTHORITY}{}", &AUTHORITY[..200]));
            let material = TlsMaterial::load(&files, Alpn::Http2).expect("one is whole");
            let mut kept = Kept::default();
            drop(material.renewed(&mut kept));
            write(&format!("{AUTHORITY}{AUTHORITY}{}", &AUTHORITY[..200]));
            drop(material.renewed(&mut kept));
            assert_eq!(kept.trouble(&material), None);
        });
        let _ = fs::remove_file(path);
    }
}
